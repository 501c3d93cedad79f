-- +goose Up
-- What earlier recipients are owed a notice of. A row is written once; how far it has come is what the transfer of the same id has come to.
CREATE TABLE notice (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    route     text NOT NULL,
    recipient text NOT NULL,
    act       text NOT NULL CHECK (act IN ('correct', 'withdraw', 'destroy')),
    -- letter is 1 where the recipient's agreement takes no notices: a person writes to it, and there is no transfer.
    letter    bigint NOT NULL CHECK (letter IN (0, 1)),
    -- subject lists the person's ordinals, with commas; body is the notice as JSON: messages, places in them, fields; no values.
    subject   text NOT NULL,
    body      text NOT NULL,
    opened    bigint NOT NULL,
    due       bigint NOT NULL,
    actor     text NOT NULL,
    reason    text NOT NULL CHECK (reason <> '')
);

-- +goose Down
DROP TABLE notice;
