-- +goose Up
-- line is the way to a recipient: whether it answers, and what it has objected to (connector, message) if nothing more may be sent to it.
CREATE TABLE line (
    recipient TEXT PRIMARY KEY,
    state     TEXT NOT NULL CHECK (state IN ('up', 'down', 'halted')),
    code      TEXT NOT NULL,
    since     INTEGER NOT NULL,
    connector TEXT NOT NULL,
    message   TEXT NOT NULL,
    CHECK ((state = 'halted') = (message <> ''))
);

-- +goose Down
DROP TABLE line;
