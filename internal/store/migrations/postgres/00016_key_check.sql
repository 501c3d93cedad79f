-- +goose Up
-- key_check tells whether a key is the one that this store was made with: a digest under the key, from which the key cannot be told.
CREATE TABLE key_check (
    name  text PRIMARY KEY,
    value bytea NOT NULL CHECK (length(value) = 16)
);

-- +goose Down
DROP TABLE key_check;
