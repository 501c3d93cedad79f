-- +goose Up
-- Evidence tables (log_entry, log_hash, log_checkpoint, situations, part, message, settlement) are only ever inserted into; roles.sql gives the service nothing more.
CREATE TABLE log_head (
    id         smallint PRIMARY KEY CHECK (id = 1),
    size       bigint NOT NULL CHECK (size >= 0),
    checkpoint bytea  NOT NULL,
    -- blocks is the generation of blocks: it changes with every block and unblock.
    blocks     bigint NOT NULL DEFAULT 0,
    -- register is the digest of the legal register that the log says is in force; empty before the first.
    register   text NOT NULL DEFAULT ''
);
INSERT INTO log_head (id, size, checkpoint) VALUES (1, 0, '');
CREATE TABLE log_entry (
    idx  bigint PRIMARY KEY CHECK (idx >= 0),
    body bytea NOT NULL
);
CREATE TABLE log_hash (
    idx  bigint PRIMARY KEY CHECK (idx >= 0),
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE TABLE log_checkpoint (
    size bigint PRIMARY KEY,
    body bytea NOT NULL
);
CREATE TABLE sequence (
    recipient text PRIMARY KEY,
    next      bigint NOT NULL CHECK (next >= 1)
);
CREATE TABLE situations (
    digest text PRIMARY KEY,
    body   bytea NOT NULL
);
CREATE TABLE transfer (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    route     text NOT NULL,
    recipient text NOT NULL,
    cause     text NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc')),
    due       bigint NOT NULL,
    started   bigint NOT NULL,
    actor     text NOT NULL,
    reason    text NOT NULL,
    request   text NOT NULL,
    finished  bigint,
    report    text,
    CHECK ((finished IS NULL) = (report IS NULL))
);
CREATE INDEX transfer_started ON transfer (started);
CREATE TABLE part (
    transfer  text NOT NULL REFERENCES transfer (id),
    number    bigint NOT NULL CHECK (number >= 1),
    after_key bytea,
    last_key  bytea NOT NULL,
    read      bigint NOT NULL CHECK (read >= 0),
    refused   bigint NOT NULL CHECK (refused >= 0),
    withheld  bigint NOT NULL CHECK (withheld >= 0),
    reasons   text NOT NULL,
    refusal   bytea,
    PRIMARY KEY (transfer, number)
);
CREATE TABLE message (
    id         text PRIMARY KEY,
    transfer   text NOT NULL REFERENCES transfer (id),
    part       bigint NOT NULL,
    connector  text NOT NULL,
    recipient  text NOT NULL,
    sequence   bigint NOT NULL CHECK (sequence >= 1),
    records    bigint NOT NULL CHECK (records >= 0),
    -- voids is the message whose number this one takes; empty for an ordinary message.
    voids      text NOT NULL,
    intent     bigint NOT NULL UNIQUE,
    logged     bigint NOT NULL,
    header     bytea NOT NULL,
    key_id     text NOT NULL,
    signature  bytea NOT NULL,
    disclosure bytea NOT NULL,
    CHECK (voids = '' OR records = 0),
    -- an ordinary message belongs to a part of its transfer, a void notice to none.
    CHECK ((voids = '') = (part >= 1))
);
CREATE UNIQUE INDEX message_sequence ON message (recipient, sequence) WHERE voids = '';
CREATE UNIQUE INDEX message_voids ON message (voids) WHERE voids <> '';
CREATE INDEX message_transfer ON message (transfer);
-- The primary key is I3: a message is settled once.
CREATE TABLE settlement (
    message  text PRIMARY KEY REFERENCES message (id),
    outcome  text NOT NULL CHECK (outcome IN ('delivered', 'refused', 'disputed', 'cancelled', 'abandoned')),
    code     text NOT NULL,
    receipt  bytea NOT NULL,
    accepted bigint NOT NULL CHECK (accepted >= 0),
    updated  bigint NOT NULL CHECK (updated >= 0),
    rejected bigint NOT NULL CHECK (rejected >= 0),
    reasons  text NOT NULL,
    attempts bigint NOT NULL,
    entry    bigint NOT NULL UNIQUE,
    settled  bigint NOT NULL,
    CHECK ((outcome = 'delivered') = (code = '')),
    CHECK (outcome <> 'delivered' OR length(receipt) > 0)
);
CREATE TABLE outbox (
    message text PRIMARY KEY REFERENCES message (id),
    body    bytea NOT NULL
);
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;
-- What is sent is deleted: vacuum comes early, and the space is kept for the next run, because growing the file costs as much as filling it.
ALTER TABLE outbox SET (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
    toast.vacuum_truncate = off, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000);
CREATE TABLE roster_head (
    id   smallint PRIMARY KEY CHECK (id = 1),
    next bigint NOT NULL CHECK (next >= 1)
);
INSERT INTO roster_head (id, next) VALUES (1, 1);
CREATE TABLE roster_chunk (
    first_key bytea PRIMARY KEY,
    last_key  bytea NOT NULL,
    people    bigint NOT NULL CHECK (people >= 1),
    body      bytea NOT NULL
);
ALTER TABLE roster_chunk ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE block (
    id        text PRIMARY KEY,
    tag       bytea NOT NULL,
    requester text NOT NULL CHECK (requester IN ('user', 'legal_representative', 'pd_authority')),
    reason    text NOT NULL,
    received  bigint NOT NULL,
    lifted    bigint,
    outcome   text NOT NULL DEFAULT '',
    CHECK ((lifted IS NULL) = (outcome = ''))
);
CREATE INDEX block_open ON block (tag) WHERE lifted IS NULL;

-- +goose Down
DROP TABLE block, roster_chunk, roster_head, outbox, settlement, message, part, transfer, situations, sequence, log_checkpoint, log_hash, log_entry, log_head;
