-- +goose Up
-- serving has a row for each process that serves, or waits because others serve by another deployment; until is when it is given up if it shows no life. The one that served last stays as gone.
CREATE TABLE serving (
    worker     text PRIMARY KEY,
    deployment text NOT NULL,
    state      text NOT NULL CHECK (state IN ('serves', 'waits', 'gone')),
    since      bigint NOT NULL,
    until      bigint NOT NULL
);

-- +goose Down
DROP TABLE serving;
