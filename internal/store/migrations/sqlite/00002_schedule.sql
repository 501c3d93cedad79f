-- +goose Up
CREATE TABLE due (
    connector   TEXT NOT NULL,
    due         INTEGER NOT NULL,
    cause       TEXT NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc', 'resume')),
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'missed')),
    worker      TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    -- term is how long the lease lasts without a sign of life, in microseconds.
    term        INTEGER NOT NULL DEFAULT 0,
    attempt     INTEGER NOT NULL DEFAULT 0,
    transfer    TEXT NOT NULL DEFAULT '',
    request     TEXT NOT NULL DEFAULT '',
    actor       TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (connector, due),
    CHECK (state <> 'running' OR (worker <> '' AND lease_until > 0 AND term > 0)),
    CHECK (state <> 'missed' OR reason <> '')
);
CREATE INDEX due_open ON due (due) WHERE state IN ('waiting', 'running');
-- One row of a connector runs at a time, whoever claims it.
CREATE UNIQUE INDEX due_running ON due (connector) WHERE state = 'running';
CREATE TABLE request (
    id        TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    body      TEXT NOT NULL,
    digest    TEXT NOT NULL,
    initiator TEXT NOT NULL,
    created   INTEGER NOT NULL
);
CREATE TABLE approval (
    request  TEXT NOT NULL REFERENCES request (id),
    approver TEXT NOT NULL,
    body     TEXT NOT NULL,
    approved INTEGER NOT NULL,
    PRIMARY KEY (request, approver)
);

-- +goose Down
DROP TABLE approval;
DROP TABLE request;
DROP TABLE due;
