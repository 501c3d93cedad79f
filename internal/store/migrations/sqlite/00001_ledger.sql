-- +goose Up
-- Evidence tables (log_entry, log_hash, log_checkpoint, situations, part, message, settlement) are only ever inserted into; triggers refuse anything else.
CREATE TABLE log_head (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    size       INTEGER NOT NULL CHECK (size >= 0),
    checkpoint BLOB  NOT NULL,
    -- blocks is the generation of blocks: it changes with every block and unblock.
    blocks     INTEGER NOT NULL DEFAULT 0,
    -- register is the digest of the legal register that the log says is in force; empty before the first.
    register   TEXT NOT NULL DEFAULT ''
);
INSERT INTO log_head (id, size, checkpoint) VALUES (1, 0, '');
CREATE TABLE log_entry (
    idx  INTEGER PRIMARY KEY CHECK (idx >= 0),
    body BLOB NOT NULL
);
CREATE TABLE log_hash (
    idx  INTEGER PRIMARY KEY CHECK (idx >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
);
CREATE TABLE log_checkpoint (
    size INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
CREATE TABLE sequence (
    recipient TEXT PRIMARY KEY,
    next      INTEGER NOT NULL CHECK (next >= 1)
);
CREATE TABLE situations (
    digest TEXT PRIMARY KEY,
    body   BLOB NOT NULL
);
CREATE TABLE transfer (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    route     TEXT NOT NULL,
    recipient TEXT NOT NULL,
    cause     TEXT NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc')),
    due       INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    request   TEXT NOT NULL,
    finished  INTEGER,
    report    TEXT,
    CHECK ((finished IS NULL) = (report IS NULL))
);
CREATE INDEX transfer_started ON transfer (started);
CREATE TABLE part (
    transfer  TEXT NOT NULL REFERENCES transfer (id),
    number    INTEGER NOT NULL CHECK (number >= 1),
    after_key BLOB,
    last_key  BLOB NOT NULL,
    read      INTEGER NOT NULL CHECK (read >= 0),
    refused   INTEGER NOT NULL CHECK (refused >= 0),
    withheld  INTEGER NOT NULL CHECK (withheld >= 0),
    reasons   TEXT NOT NULL,
    refusal   BLOB,
    PRIMARY KEY (transfer, number)
);
CREATE TABLE message (
    id         TEXT PRIMARY KEY,
    transfer   TEXT NOT NULL REFERENCES transfer (id),
    part       INTEGER NOT NULL,
    connector  TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    sequence   INTEGER NOT NULL CHECK (sequence >= 1),
    records    INTEGER NOT NULL CHECK (records >= 0),
    -- voids is the message whose number this one takes; empty for an ordinary message.
    voids      TEXT NOT NULL,
    intent     INTEGER NOT NULL UNIQUE,
    logged     INTEGER NOT NULL,
    header     BLOB NOT NULL,
    key_id     TEXT NOT NULL,
    signature  BLOB NOT NULL,
    disclosure BLOB NOT NULL,
    CHECK (voids = '' OR records = 0),
    -- an ordinary message belongs to a part of its transfer, a void notice to none.
    CHECK ((voids = '') = (part >= 1))
);
CREATE UNIQUE INDEX message_sequence ON message (recipient, sequence) WHERE voids = '';
CREATE UNIQUE INDEX message_voids ON message (voids) WHERE voids <> '';
CREATE INDEX message_transfer ON message (transfer);
-- The primary key is I3: a message is settled once.
CREATE TABLE settlement (
    message  TEXT PRIMARY KEY REFERENCES message (id),
    outcome  TEXT NOT NULL CHECK (outcome IN ('delivered', 'refused', 'disputed', 'cancelled', 'abandoned')),
    code     TEXT NOT NULL,
    receipt  BLOB NOT NULL,
    accepted INTEGER NOT NULL CHECK (accepted >= 0),
    updated  INTEGER NOT NULL CHECK (updated >= 0),
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    reasons  TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    entry    INTEGER NOT NULL UNIQUE,
    settled  INTEGER NOT NULL,
    CHECK ((outcome = 'delivered') = (code = '')),
    CHECK (outcome <> 'delivered' OR length(receipt) > 0)
);
CREATE TABLE outbox (
    message TEXT PRIMARY KEY REFERENCES message (id),
    body    BLOB NOT NULL
);
CREATE TABLE roster_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    next INTEGER NOT NULL CHECK (next >= 1)
);
INSERT INTO roster_head (id, next) VALUES (1, 1);
CREATE TABLE roster_chunk (
    first_key BLOB PRIMARY KEY,
    last_key  BLOB NOT NULL,
    people    INTEGER NOT NULL CHECK (people >= 1),
    body      BLOB NOT NULL
);
CREATE TABLE block (
    id        TEXT PRIMARY KEY,
    tag       BLOB NOT NULL,
    requester TEXT NOT NULL CHECK (requester IN ('user', 'legal_representative', 'pd_authority')),
    reason    TEXT NOT NULL,
    received  INTEGER NOT NULL,
    lifted    INTEGER,
    outcome   TEXT NOT NULL DEFAULT '',
    CHECK ((lifted IS NULL) = (outcome = ''))
);
CREATE INDEX block_open ON block (tag) WHERE lifted IS NULL;

-- +goose StatementBegin
CREATE TRIGGER log_entry_no_update BEFORE UPDATE ON log_entry BEGIN SELECT RAISE(ABORT, 'log_entry is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_entry_no_delete BEFORE DELETE ON log_entry BEGIN SELECT RAISE(ABORT, 'log_entry is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hash_no_update BEFORE UPDATE ON log_hash BEGIN SELECT RAISE(ABORT, 'log_hash is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_hash_no_delete BEFORE DELETE ON log_hash BEGIN SELECT RAISE(ABORT, 'log_hash is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_checkpoint_no_update BEFORE UPDATE ON log_checkpoint BEGIN SELECT RAISE(ABORT, 'log_checkpoint is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER log_checkpoint_no_delete BEFORE DELETE ON log_checkpoint BEGIN SELECT RAISE(ABORT, 'log_checkpoint is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER situations_no_update BEFORE UPDATE ON situations BEGIN SELECT RAISE(ABORT, 'situations is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER situations_no_delete BEFORE DELETE ON situations BEGIN SELECT RAISE(ABORT, 'situations is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER part_no_update BEFORE UPDATE ON part BEGIN SELECT RAISE(ABORT, 'part is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER part_no_delete BEFORE DELETE ON part BEGIN SELECT RAISE(ABORT, 'part is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER message_no_update BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'message is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER message_no_delete BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'message is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlement_no_update BEFORE UPDATE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement is evidence: it is only inserted into'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlement_no_delete BEFORE DELETE ON settlement BEGIN SELECT RAISE(ABORT, 'settlement is evidence: it is only inserted into'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE block;
DROP TABLE roster_chunk;
DROP TABLE roster_head;
DROP TABLE outbox;
DROP TABLE settlement;
DROP TABLE message;
DROP TABLE part;
DROP TABLE transfer;
DROP TABLE situations;
DROP TABLE sequence;
DROP TABLE log_checkpoint;
DROP TABLE log_hash;
DROP TABLE log_entry;
DROP TABLE log_head;
