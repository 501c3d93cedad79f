-- +goose Up
-- condition is what is wrong now, as people were told; sending is a note that a channel has not taken yet.
CREATE TABLE condition (
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    code    TEXT NOT NULL,
    until   INTEGER,
    since   INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE TABLE sending (
    note    TEXT NOT NULL,
    channel TEXT NOT NULL,
    body    BLOB NOT NULL,
    tries   INTEGER NOT NULL CHECK (tries >= 0),
    due     INTEGER NOT NULL,
    PRIMARY KEY (note, channel)
);
CREATE INDEX sending_due ON sending (due);

-- +goose Down
DROP TABLE sending;
DROP TABLE condition;
