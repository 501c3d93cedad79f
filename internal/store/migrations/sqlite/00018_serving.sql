-- +goose Up
-- serving has a row for each process that serves, or waits because others serve by another deployment; until is when it is given up if it shows no life. The one that served last stays as gone.
CREATE TABLE serving (
    worker     TEXT PRIMARY KEY,
    deployment TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('serves', 'waits', 'gone')),
    since      INTEGER NOT NULL,
    until      INTEGER NOT NULL
);

-- +goose Down
DROP TABLE serving;
