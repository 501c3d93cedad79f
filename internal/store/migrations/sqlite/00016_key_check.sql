-- +goose Up
-- key_check tells whether a key is the one that this store was made with: a digest under the key, from which the key cannot be told.
CREATE TABLE key_check (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL CHECK (length(value) = 16)
);
-- +goose StatementBegin
CREATE TRIGGER key_check_no_update BEFORE UPDATE ON key_check BEGIN SELECT RAISE(ABORT, 'key_check is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER key_check_no_delete BEFORE DELETE ON key_check BEGIN SELECT RAISE(ABORT, 'key_check is only inserted into'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE key_check;
