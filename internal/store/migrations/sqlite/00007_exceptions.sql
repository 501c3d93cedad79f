-- +goose Up
ALTER TABLE due ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE due ADD COLUMN overlap TEXT NOT NULL DEFAULT '' CHECK (overlap IN ('', 'queue', 'skip', 'cancel'));
ALTER TABLE due ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1));
UPDATE due SET starts = due;
CREATE INDEX due_scheduled ON due (connector, due) WHERE cause IN ('schedule', 'catch_up');
CREATE TABLE exception (
    connector TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('pause', 'skip')),
    since     INTEGER NOT NULL,
    until     INTEGER,
    actor     TEXT NOT NULL,
    reason    TEXT NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (connector, kind, since),
    CHECK (until >= since),
    CHECK (kind = 'pause' OR until IS NOT NULL)
);
CREATE UNIQUE INDEX exception_open ON exception (connector) WHERE until IS NULL;

-- +goose Down
DROP TABLE exception;
DROP INDEX due_scheduled;
ALTER TABLE due DROP COLUMN starts;
ALTER TABLE due DROP COLUMN overlap;
ALTER TABLE due DROP COLUMN cancel;
