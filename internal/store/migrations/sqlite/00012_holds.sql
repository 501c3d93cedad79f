-- +goose Up
-- SQLite changes no constraint of a table that is there.
CREATE TABLE due_next (
    connector   TEXT NOT NULL,
    due         INTEGER NOT NULL,
    cause       TEXT NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc', 'resume')),
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'missed', 'held')),
    worker      TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    term        INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0,
    transfer    TEXT NOT NULL DEFAULT '',
    request     TEXT NOT NULL DEFAULT '',
    actor       TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    starts      INTEGER NOT NULL DEFAULT 0,
    overlap     TEXT NOT NULL DEFAULT '' CHECK (overlap IN ('', 'queue', 'skip', 'cancel')),
    cancel      INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
    hold        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (connector, due),
    CHECK (state <> 'running' OR (worker <> '' AND lease_until > 0 AND term > 0)),
    CHECK (state <> 'missed' OR reason <> ''),
    CHECK (state <> 'held' OR hold <> '')
);
INSERT INTO due_next (connector, due, cause, state, worker, lease_until, term, attempt, transfer, request, actor, reason, starts, overlap, cancel)
    SELECT connector, due, cause, state, worker, lease_until, term, attempt, transfer, request, actor, reason, starts, overlap, cancel FROM due;
DROP TABLE due;
ALTER TABLE due_next RENAME TO due;
CREATE INDEX due_open ON due (due) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX due_running ON due (connector) WHERE state = 'running';
CREATE INDEX due_scheduled ON due (connector, due) WHERE cause IN ('schedule', 'catch_up');
CREATE INDEX due_held ON due (hold) WHERE hold <> '';
CREATE TABLE hold (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    due       INTEGER NOT NULL,
    body      TEXT NOT NULL,
    made      INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('open', 'approved', 'discarded', 'expired')),
    ended     INTEGER,
    actor     TEXT NOT NULL DEFAULT '',
    reason    TEXT NOT NULL DEFAULT '',
    approval  TEXT NOT NULL DEFAULT '',
    CHECK ((state = 'open') = (ended IS NULL)),
    CHECK ((state = 'approved') = (approval <> '')),
    CHECK (state = 'open' OR actor <> '')
);
CREATE UNIQUE INDEX hold_open ON hold (connector) WHERE state = 'open';
-- +goose StatementBegin
CREATE TRIGGER hold_decided_once BEFORE UPDATE ON hold WHEN OLD.state <> 'open' OR NEW.body <> OLD.body OR NEW.id <> OLD.id
    BEGIN SELECT RAISE(ABORT, 'a hold is decided once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold BEGIN SELECT RAISE(ABORT, 'what was held stays on record'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE hold;
CREATE TABLE due_before (
    connector   TEXT NOT NULL,
    due         INTEGER NOT NULL,
    cause       TEXT NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc', 'resume')),
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'missed')),
    worker      TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    term        INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0,
    transfer    TEXT NOT NULL DEFAULT '',
    request     TEXT NOT NULL DEFAULT '',
    actor       TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    starts      INTEGER NOT NULL DEFAULT 0,
    overlap     TEXT NOT NULL DEFAULT '' CHECK (overlap IN ('', 'queue', 'skip', 'cancel')),
    cancel      INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
    PRIMARY KEY (connector, due),
    CHECK (state <> 'running' OR (worker <> '' AND lease_until > 0 AND term > 0)),
    CHECK (state <> 'missed' OR reason <> '')
);
INSERT INTO due_before (connector, due, cause, state, worker, lease_until, term, attempt, transfer, request, actor, reason, starts, overlap, cancel)
    SELECT connector, due, cause, CASE state WHEN 'held' THEN 'missed' ELSE state END, worker, lease_until, term, attempt, transfer, request, actor,
        CASE WHEN state = 'held' THEN 'held: ' || hold ELSE reason END, starts, overlap, cancel FROM due;
DROP TABLE due;
ALTER TABLE due_before RENAME TO due;
CREATE INDEX due_open ON due (due) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX due_running ON due (connector) WHERE state = 'running';
CREATE INDEX due_scheduled ON due (connector, due) WHERE cause IN ('schedule', 'catch_up');
