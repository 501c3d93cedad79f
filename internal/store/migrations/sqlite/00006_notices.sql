-- +goose Up
-- What earlier recipients are owed a notice of. A row is written once; how far it has come is what the transfer of the same id has come to.
CREATE TABLE notice (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    route     TEXT NOT NULL,
    recipient TEXT NOT NULL,
    act       TEXT NOT NULL CHECK (act IN ('correct', 'withdraw', 'destroy')),
    -- letter is 1 where the recipient's agreement takes no notices: a person writes to it, and there is no transfer.
    letter    INTEGER NOT NULL CHECK (letter IN (0, 1)),
    -- subject lists the person's ordinals, with commas; body is the notice as JSON: messages, places in them, fields; no values.
    subject   TEXT NOT NULL,
    body      TEXT NOT NULL,
    opened    INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    reason    TEXT NOT NULL CHECK (reason <> '')
);
-- +goose StatementBegin
CREATE TRIGGER notice_no_update BEFORE UPDATE ON notice BEGIN SELECT RAISE(ABORT, 'notice is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notice_no_delete BEFORE DELETE ON notice BEGIN SELECT RAISE(ABORT, 'notice is evidence: it is only inserted into'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE notice;
