-- +goose Up
-- Whose records a notice or a retry is about is known as long as the roster of the ordinals in it: then the keys of their accounts are taken out of its body. Nothing else of a row changes.
DROP TRIGGER notice_no_update;
-- +goose StatementBegin
CREATE TRIGGER notice_no_update BEFORE UPDATE OF id, connector, route, recipient, act, letter, subject, opened, due, actor, reason ON notice
BEGIN SELECT RAISE(ABORT, 'notice is evidence: it is only inserted into'); END;
-- +goose StatementEnd
DROP TRIGGER retry_no_update;
-- +goose StatementBegin
CREATE TRIGGER retry_no_update BEFORE UPDATE OF id, origin, code, entered, actor, reason ON retry
BEGIN SELECT RAISE(ABORT, 'retry is evidence: it is only inserted into'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER notice_no_update;
-- +goose StatementBegin
CREATE TRIGGER notice_no_update BEFORE UPDATE ON notice BEGIN SELECT RAISE(ABORT, 'notice is evidence: it is only inserted into'); END;
-- +goose StatementEnd
DROP TRIGGER retry_no_update;
-- +goose StatementBegin
CREATE TRIGGER retry_no_update BEFORE UPDATE ON retry BEGIN SELECT RAISE(ABORT, 'retry is evidence: it is only inserted into'); END;
-- +goose StatementEnd
