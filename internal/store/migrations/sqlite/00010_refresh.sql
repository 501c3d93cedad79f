-- +goose Up
-- refresh is what somebody has asked to be sent again to a recipient: everybody, or (since, until) those who were sent then. done is when a run has come to its end after it.
CREATE TABLE refresh (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    recipient TEXT NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    reason    TEXT NOT NULL CHECK (reason <> ''),
    entered   INTEGER NOT NULL,
    done      INTEGER,
    CHECK (since = 0 AND until = 0 OR since < until)
);
CREATE UNIQUE INDEX refresh_open ON refresh (connector, recipient, since, until) WHERE done IS NULL;

-- +goose Down
DROP TABLE refresh;
