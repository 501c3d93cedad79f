-- +goose Up
-- mark is what a comparison with what a recipient holds can go on from: the horizon of the last completed read (empty if it was forgotten), what it was made under, and when the
-- last full comparison began.
CREATE TABLE mark (
    connector TEXT NOT NULL,
    recipient TEXT NOT NULL,
    version   INTEGER NOT NULL,
    horizon   TEXT NOT NULL,
    scope     TEXT NOT NULL,
    began     INTEGER NOT NULL,
    PRIMARY KEY (connector, recipient)
);

-- +goose Down
DROP TABLE mark;
