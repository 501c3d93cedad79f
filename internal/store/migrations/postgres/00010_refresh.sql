-- +goose Up
-- refresh is what somebody has asked to be sent again to a recipient: everybody, or (since, until) those who were sent then. done is when a run has come to its end after it.
CREATE TABLE refresh (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    recipient text NOT NULL,
    since     bigint NOT NULL,
    until     bigint NOT NULL,
    actor     text NOT NULL,
    reason    text NOT NULL CHECK (reason <> ''),
    entered   bigint NOT NULL,
    done      bigint,
    CHECK (since = 0 AND until = 0 OR since < until)
);
CREATE UNIQUE INDEX refresh_open ON refresh (connector, recipient, since, until) WHERE done IS NULL;

-- +goose Down
DROP TABLE refresh;
