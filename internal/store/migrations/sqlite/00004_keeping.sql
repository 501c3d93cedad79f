-- +goose Up
-- restored grows whenever this store may have become older than what recipients know of it: then nothing is sent to a recipient before it was compared under the new count.
-- began is the size of the log at which its present name and key begin.
ALTER TABLE log_head ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log_head ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
CREATE TABLE compared (
    recipient TEXT PRIMARY KEY,
    restored  INTEGER NOT NULL,
    at        INTEGER NOT NULL
);
-- A key that opens what was recorded in one period, of one class; sealed by the vault. Destroying it is emptying its row.
CREATE TABLE period_key (
    id        TEXT PRIMARY KEY,
    body      BLOB NOT NULL,
    destroyed INTEGER,
    CHECK ((destroyed IS NULL) = (length(body) > 0))
);
-- period names the key of the set; empty for a set that is not sealed.
ALTER TABLE message ADD COLUMN period TEXT NOT NULL DEFAULT '';
ALTER TABLE part ADD COLUMN period TEXT NOT NULL DEFAULT '';
-- A set that is kept beyond its period, because somebody in it is under a hold or a block, sealed by another key.
CREATE TABLE kept_set (
    class TEXT NOT NULL CHECK (class IN ('disclosure', 'refusal')),
    owner TEXT NOT NULL,
    key   TEXT NOT NULL REFERENCES period_key (id),
    body  BLOB NOT NULL,
    PRIMARY KEY (class, owner)
);
CREATE TABLE roster_chunk_by_period (
    first_key BLOB NOT NULL,
    last_key  BLOB NOT NULL,
    people    INTEGER NOT NULL CHECK (people >= 1),
    body      BLOB NOT NULL,
    period    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (period, first_key)
);
INSERT INTO roster_chunk_by_period (first_key, last_key, people, body) SELECT first_key, last_key, people, body FROM roster_chunk;
DROP TABLE roster_chunk;
ALTER TABLE roster_chunk_by_period RENAME TO roster_chunk;
-- +goose StatementBegin
CREATE TRIGGER period_key_no_delete BEFORE DELETE ON period_key BEGIN SELECT RAISE(ABORT, 'a period key is destroyed by emptying it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER period_key_no_revival BEFORE UPDATE ON period_key WHEN NEW.destroyed IS NULL OR OLD.destroyed IS NOT NULL BEGIN SELECT RAISE(ABORT, 'a period key is made once and destroyed once'); END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER period_key_no_revival;
DROP TRIGGER period_key_no_delete;
CREATE TABLE roster_chunk_plain (
    first_key BLOB PRIMARY KEY,
    last_key  BLOB NOT NULL,
    people    INTEGER NOT NULL CHECK (people >= 1),
    body      BLOB NOT NULL
);
INSERT INTO roster_chunk_plain SELECT first_key, last_key, people, body FROM roster_chunk;
DROP TABLE roster_chunk;
ALTER TABLE roster_chunk_plain RENAME TO roster_chunk;
DROP TABLE kept_set;
ALTER TABLE part DROP COLUMN period;
ALTER TABLE message DROP COLUMN period;
DROP TABLE period_key;
DROP TABLE compared;
ALTER TABLE log_head DROP COLUMN began;
ALTER TABLE log_head DROP COLUMN restored;
