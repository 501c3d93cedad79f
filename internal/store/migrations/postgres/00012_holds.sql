-- +goose Up
-- A run that is held waits for a person's decision; hold names the hold that a row is or was under.
ALTER TABLE due DROP CONSTRAINT due_state_check;
ALTER TABLE due ADD COLUMN hold text NOT NULL DEFAULT '',
    ADD CHECK (state IN ('waiting', 'running', 'done', 'missed', 'held')),
    ADD CHECK (state <> 'held' OR hold <> '');
CREATE INDEX due_held ON due (hold) WHERE hold <> '';
-- body is what was found, as JSON, and what an approval's signature is about; due is the row that is run if the hold is approved.
CREATE TABLE hold (
    id        text PRIMARY KEY,
    connector text NOT NULL,
    due       bigint NOT NULL,
    body      text NOT NULL,
    made      bigint NOT NULL,
    expires   bigint NOT NULL,
    state     text NOT NULL CHECK (state IN ('open', 'approved', 'discarded', 'expired')),
    ended     bigint,
    actor     text NOT NULL DEFAULT '',
    reason    text NOT NULL DEFAULT '',
    approval  text NOT NULL DEFAULT '',
    CHECK ((state = 'open') = (ended IS NULL)),
    CHECK ((state = 'approved') = (approval <> '')),
    CHECK (state = 'open' OR actor <> '')
);
-- One open hold a connector.
CREATE UNIQUE INDEX hold_open ON hold (connector) WHERE state = 'open';

-- +goose Down
DROP TABLE hold;
DROP INDEX due_held;
UPDATE due SET state = 'missed', reason = 'held: ' || hold WHERE state = 'held';
ALTER TABLE due DROP COLUMN hold;
ALTER TABLE due DROP CONSTRAINT due_state_check;
ALTER TABLE due ADD CHECK (state IN ('waiting', 'running', 'done', 'missed'));
