-- +goose Up
-- held is what a recipient holds of each person over a connector: pages of digests, sealed (package delta). stale is 1 for a page in which everybody is to be sent again.
CREATE TABLE held (
    connector text NOT NULL,
    recipient text NOT NULL,
    page      bigint NOT NULL CHECK (page >= 0),
    stale     bigint NOT NULL CHECK (stale IN (0, 1)),
    body      bytea NOT NULL,
    PRIMARY KEY (connector, recipient, page)
);
ALTER TABLE held ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE held SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000);
-- What a message makes of it waits beside the message, sealed; empty where nothing is kept.
ALTER TABLE outbox ADD COLUMN held bytea NOT NULL DEFAULT '', ADD COLUMN stale bigint NOT NULL DEFAULT 0 CHECK (stale IN (0, 1));
ALTER TABLE outbox ALTER COLUMN held SET STORAGE EXTERNAL;
-- unchanged counts those of whom the recipient held just what would have been sent.
ALTER TABLE part ADD COLUMN unchanged bigint NOT NULL DEFAULT 0 CHECK (unchanged >= 0);

-- +goose Down
ALTER TABLE part DROP COLUMN unchanged;
ALTER TABLE outbox DROP COLUMN stale, DROP COLUMN held;
DROP TABLE held;
