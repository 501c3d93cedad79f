-- +goose Up
-- mark is what a comparison with what a recipient holds can go on from: the horizon of the last completed read (empty if it was forgotten), what it was made under, and when the
-- last full comparison began.
CREATE TABLE mark (
    connector text NOT NULL,
    recipient text NOT NULL,
    version   bigint NOT NULL,
    horizon   text NOT NULL,
    scope     text NOT NULL,
    began     bigint NOT NULL,
    PRIMARY KEY (connector, recipient)
);

-- +goose Down
DROP TABLE mark;
