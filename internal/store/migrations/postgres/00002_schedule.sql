-- +goose Up
CREATE TABLE due (
    connector   text NOT NULL,
    due         bigint NOT NULL,
    cause       text NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'run_now', 'ad_hoc', 'resume')),
    state       text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'missed')),
    worker      text NOT NULL DEFAULT '',
    lease_until bigint NOT NULL DEFAULT 0,
    -- term is how long the lease lasts without a sign of life, in microseconds.
    term        bigint NOT NULL DEFAULT 0,
    attempt     bigint NOT NULL DEFAULT 0,
    transfer    text NOT NULL DEFAULT '',
    request     text NOT NULL DEFAULT '',
    actor       text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    PRIMARY KEY (connector, due),
    CHECK (state <> 'running' OR (worker <> '' AND lease_until > 0 AND term > 0)),
    CHECK (state <> 'missed' OR reason <> '')
);
CREATE INDEX due_open ON due (due) WHERE state IN ('waiting', 'running');
-- One row of a connector runs at a time, whoever claims it.
CREATE UNIQUE INDEX due_running ON due (connector) WHERE state = 'running';
CREATE TABLE request (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    body      text NOT NULL,
    digest    text NOT NULL,
    initiator text NOT NULL,
    created   bigint NOT NULL
);
CREATE TABLE approval (
    request  text NOT NULL REFERENCES request (id),
    approver text NOT NULL,
    body     text NOT NULL,
    approved bigint NOT NULL,
    PRIMARY KEY (request, approver)
);

-- +goose Down
DROP TABLE approval, request, due;
