-- +goose Up
-- held is what a recipient holds of each person over a connector: pages of digests, sealed (package delta). stale is 1 for a page in which everybody is to be sent again.
CREATE TABLE held (
    connector TEXT NOT NULL,
    recipient TEXT NOT NULL,
    page      INTEGER NOT NULL CHECK (page >= 0),
    stale     INTEGER NOT NULL CHECK (stale IN (0, 1)),
    body      BLOB NOT NULL,
    PRIMARY KEY (connector, recipient, page)
);
-- What a message makes of it waits beside the message, sealed; empty where nothing is kept.
ALTER TABLE outbox ADD COLUMN held BLOB NOT NULL DEFAULT x'';
ALTER TABLE outbox ADD COLUMN stale INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1));
-- unchanged counts those of whom the recipient held just what would have been sent.
ALTER TABLE part ADD COLUMN unchanged INTEGER NOT NULL DEFAULT 0 CHECK (unchanged >= 0);

-- +goose Down
ALTER TABLE part DROP COLUMN unchanged;
ALTER TABLE outbox DROP COLUMN stale;
ALTER TABLE outbox DROP COLUMN held;
DROP TABLE held;
