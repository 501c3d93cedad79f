-- +goose Up
-- Transfers that send again what a recipient has rejected of another transfer. A row is written once; how far it has come is what the transfer of the same id has come to.
CREATE TABLE retry (
    id      text PRIMARY KEY REFERENCES transfer (id),
    -- origin is the transfer whose records were rejected, code the recipient's code by which they were chosen, empty if they were named one by one.
    origin  text NOT NULL REFERENCES transfer (id),
    code    text NOT NULL,
    -- body lists the records as JSON: message, place, ordinal, key of the account; no values.
    body    text NOT NULL,
    entered bigint NOT NULL,
    actor   text NOT NULL,
    reason  text NOT NULL CHECK (reason <> '')
);
CREATE INDEX retry_origin ON retry (origin);

-- +goose Down
DROP TABLE retry;
