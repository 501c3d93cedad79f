-- +goose Up
-- condition is what is wrong now, as people were told; sending is a note that a channel has not taken yet.
CREATE TABLE condition (
    kind    text NOT NULL,
    subject text NOT NULL,
    code    text NOT NULL,
    until   bigint,
    since   bigint NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE TABLE sending (
    note    text NOT NULL,
    channel text NOT NULL,
    body    bytea NOT NULL,
    tries   bigint NOT NULL CHECK (tries >= 0),
    due     bigint NOT NULL,
    PRIMARY KEY (note, channel)
);
CREATE INDEX sending_due ON sending (due);

-- +goose Down
DROP TABLE sending;
DROP TABLE condition;
