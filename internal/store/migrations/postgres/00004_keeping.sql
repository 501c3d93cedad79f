-- +goose Up
-- restored grows whenever this store may have become older than what recipients know of it: then nothing is sent to a recipient before it was compared under the new count.
-- began is the size of the log at which its present name and key begin.
ALTER TABLE log_head ADD COLUMN restored bigint NOT NULL DEFAULT 0, ADD COLUMN began bigint NOT NULL DEFAULT 0;
CREATE TABLE compared (
    recipient text PRIMARY KEY,
    restored  bigint NOT NULL,
    at        bigint NOT NULL
);
-- A key that opens what was recorded in one period, of one class; sealed by the vault. Destroying it is emptying its row.
CREATE TABLE period_key (
    id        text PRIMARY KEY,
    body      bytea NOT NULL,
    destroyed bigint,
    CHECK ((destroyed IS NULL) = (length(body) > 0))
);
-- period names the key of the set; empty for a set that is not sealed.
ALTER TABLE message ADD COLUMN period text NOT NULL DEFAULT '';
ALTER TABLE part ADD COLUMN period text NOT NULL DEFAULT '';
-- A set that is kept beyond its period, because somebody in it is under a hold or a block, sealed by another key.
CREATE TABLE kept_set (
    class text NOT NULL CHECK (class IN ('disclosure', 'refusal')),
    owner text NOT NULL,
    key   text NOT NULL REFERENCES period_key (id),
    body  bytea NOT NULL,
    PRIMARY KEY (class, owner)
);
ALTER TABLE roster_chunk ADD COLUMN period text NOT NULL DEFAULT '', DROP CONSTRAINT roster_chunk_pkey, ADD PRIMARY KEY (period, first_key);

-- +goose Down
ALTER TABLE roster_chunk DROP CONSTRAINT roster_chunk_pkey, DROP COLUMN period, ADD PRIMARY KEY (first_key);
DROP TABLE kept_set;
ALTER TABLE part DROP COLUMN period;
ALTER TABLE message DROP COLUMN period;
DROP TABLE period_key;
DROP TABLE compared;
ALTER TABLE log_head DROP COLUMN restored, DROP COLUMN began;
