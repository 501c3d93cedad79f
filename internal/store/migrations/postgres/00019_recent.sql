-- +goose Up
-- recent are the digests of a page that have changed since its body was written, sealed (package delta); empty if there is none.
ALTER TABLE held ADD COLUMN recent bytea NOT NULL DEFAULT '';
ALTER TABLE held ALTER COLUMN recent SET STORAGE EXTERNAL;

-- +goose Down
-- A page without its recent digests would say what the recipient does not hold any more: everybody in it is sent again, after a comparison of everybody.
UPDATE held SET stale = 1 WHERE length(recent) > 0;
UPDATE mark SET version = version + 1, horizon = '', scope = '', began = 0;
ALTER TABLE held DROP COLUMN recent;
