-- +goose Up
CREATE TABLE duty (
    id      TEXT PRIMARY KEY,
    -- kind is a term's code; subject lists the person's ordinals, with commas, or is empty; about names a transfer or a message, or is empty.
    kind    TEXT NOT NULL CHECK (kind <> ''),
    subject TEXT NOT NULL,
    about   TEXT NOT NULL,
    -- opened is when the event happened, due the first moment of the last day.
    opened  INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    closed  INTEGER,
    outcome TEXT NOT NULL DEFAULT '',
    note    TEXT NOT NULL,
    source  TEXT NOT NULL,
    CHECK ((closed IS NULL) = (outcome = ''))
);
CREATE INDEX duty_open ON duty (due) WHERE closed IS NULL;
-- A hold keeps a person's records while a claim is open, and as long as a court needs them.
CREATE TABLE legal_hold (
    duty   TEXT NOT NULL REFERENCES duty (id),
    tag    BLOB NOT NULL CHECK (length(tag) = 16),
    placed INTEGER NOT NULL,
    lifted INTEGER,
    PRIMARY KEY (duty, tag)
);
CREATE INDEX legal_hold_open ON legal_hold (tag) WHERE lifted IS NULL;

-- +goose Down
DROP TABLE legal_hold;
DROP TABLE duty;
