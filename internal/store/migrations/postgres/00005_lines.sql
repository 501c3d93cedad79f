-- +goose Up
-- line is the way to a recipient: whether it answers, and what it has objected to (connector, message) if nothing more may be sent to it.
CREATE TABLE line (
    recipient text PRIMARY KEY,
    state     text NOT NULL CHECK (state IN ('up', 'down', 'halted')),
    code      text NOT NULL,
    since     bigint NOT NULL,
    connector text NOT NULL,
    message   text NOT NULL,
    CHECK ((state = 'halted') = (message <> ''))
);

-- +goose Down
DROP TABLE line;
