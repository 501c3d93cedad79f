-- +goose Up
-- Plans that were made: what for (look, judge, send, approve), and what they counted, as JSON without a value of anybody.
CREATE TABLE plan (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    made      bigint NOT NULL,
    purpose   text NOT NULL CHECK (purpose IN ('look', 'judge', 'send', 'approve')),
    actor     text NOT NULL CHECK (actor <> ''),
    digest    text NOT NULL CHECK (length(digest) = 64),
    body      text NOT NULL
);
CREATE INDEX plan_made ON plan (connector, made);

-- +goose Down
DROP TABLE plan;
