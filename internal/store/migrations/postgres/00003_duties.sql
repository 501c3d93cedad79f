-- +goose Up
CREATE TABLE duty (
    id      text PRIMARY KEY,
    -- kind is a term's code; subject lists the person's ordinals, with commas, or is empty; about names a transfer or a message, or is empty.
    kind    text NOT NULL CHECK (kind <> ''),
    subject text NOT NULL,
    about   text NOT NULL,
    -- opened is when the event happened, due the first moment of the last day.
    opened  bigint NOT NULL,
    due     bigint NOT NULL,
    closed  bigint,
    outcome text NOT NULL DEFAULT '',
    note    text NOT NULL,
    source  text NOT NULL,
    CHECK ((closed IS NULL) = (outcome = ''))
);
CREATE INDEX duty_open ON duty (due) WHERE closed IS NULL;
-- A hold keeps a person's records while a claim is open, and as long as a court needs them.
CREATE TABLE legal_hold (
    duty   text NOT NULL REFERENCES duty (id),
    tag    bytea NOT NULL CHECK (length(tag) = 16),
    placed bigint NOT NULL,
    lifted bigint,
    PRIMARY KEY (duty, tag)
);
CREATE INDEX legal_hold_open ON legal_hold (tag) WHERE lifted IS NULL;

-- +goose Down
DROP TABLE legal_hold;
DROP TABLE duty;
