-- +goose Up
-- Whose records a notice or a retry is about is known as long as the roster of the ordinals in it: then the keys of their accounts are taken out of its body. The role for that has the right (roles.sql).
COMMENT ON COLUMN notice.body IS 'the notice as JSON; without keys of accounts once the roster of their ordinals is destroyed';
COMMENT ON COLUMN retry.body IS 'the records as JSON; without keys of accounts once the roster of their ordinals is destroyed';

-- +goose Down
COMMENT ON COLUMN notice.body IS NULL;
COMMENT ON COLUMN retry.body IS NULL;
