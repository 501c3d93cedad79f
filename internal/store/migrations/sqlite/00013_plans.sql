-- +goose Up
-- Plans that were made: what for (look, judge, send, approve), and what they counted, as JSON without a value of anybody.
CREATE TABLE plan (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    made      INTEGER NOT NULL,
    purpose   TEXT NOT NULL CHECK (purpose IN ('look', 'judge', 'send', 'approve')),
    actor     TEXT NOT NULL CHECK (actor <> ''),
    digest    TEXT NOT NULL CHECK (length(digest) = 64),
    body      TEXT NOT NULL
);
CREATE INDEX plan_made ON plan (connector, made);

-- +goose Down
DROP TABLE plan;
