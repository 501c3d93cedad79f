-- +goose Up
-- starts is when the run may begin: its due time, or later by jitter or a calendar. overlap says what another run of the connector under way makes of it;
-- cancel, set while it runs, that a later due time takes its place.
ALTER TABLE due
    ADD COLUMN starts  bigint NOT NULL DEFAULT 0,
    ADD COLUMN overlap text NOT NULL DEFAULT '' CHECK (overlap IN ('', 'queue', 'skip', 'cancel')),
    ADD COLUMN cancel  bigint NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1));
UPDATE due SET starts = due;
CREATE INDEX due_scheduled ON due (connector, due) WHERE cause IN ('schedule', 'catch_up');
-- Pauses (open while until is null) and skipped times.
CREATE TABLE exception (
    connector text NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('pause', 'skip')),
    since     bigint NOT NULL,
    until     bigint,
    actor     text NOT NULL,
    reason    text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (connector, kind, since),
    CHECK (until >= since),
    CHECK (kind = 'pause' OR until IS NOT NULL)
);
CREATE UNIQUE INDEX exception_open ON exception (connector) WHERE until IS NULL;

-- +goose Down
DROP TABLE exception;
DROP INDEX due_scheduled;
ALTER TABLE due DROP COLUMN starts, DROP COLUMN overlap, DROP COLUMN cancel;
