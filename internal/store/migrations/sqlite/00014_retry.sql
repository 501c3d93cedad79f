-- +goose Up
-- Transfers that send again what a recipient has rejected of another transfer. A row is written once; how far it has come is what the transfer of the same id has come to.
CREATE TABLE retry (
    id      TEXT PRIMARY KEY REFERENCES transfer (id),
    -- origin is the transfer whose records were rejected, code the recipient's code by which they were chosen, empty if they were named one by one.
    origin  TEXT NOT NULL REFERENCES transfer (id),
    code    TEXT NOT NULL,
    -- body lists the records as JSON: message, place, ordinal, key of the account; no values.
    body    TEXT NOT NULL,
    entered INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    reason  TEXT NOT NULL CHECK (reason <> '')
);
CREATE INDEX retry_origin ON retry (origin);
-- +goose StatementBegin
CREATE TRIGGER retry_no_update BEFORE UPDATE ON retry BEGIN SELECT RAISE(ABORT, 'retry is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER retry_no_delete BEFORE DELETE ON retry BEGIN SELECT RAISE(ABORT, 'retry is evidence: it is only inserted into'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE retry;
