-- +goose Up
-- An approval is of a request together with the plan of its answer: its digest, empty where it names none. Somebody may approve another plan, too.
ALTER TABLE approval ADD COLUMN plan text NOT NULL DEFAULT '', DROP CONSTRAINT approval_pkey, ADD PRIMARY KEY (request, approver, plan);
ALTER TABLE approval ALTER COLUMN plan DROP DEFAULT;
-- A request that is closed is not answered any more; note says what came of it.
CREATE TABLE request_closed (
    request text PRIMARY KEY REFERENCES request (id),
    closed  bigint NOT NULL,
    actor   text NOT NULL,
    note    text NOT NULL CHECK (note <> '')
);

-- +goose Down
DROP TABLE request_closed;
DELETE FROM approval WHERE plan <> '';
ALTER TABLE approval DROP CONSTRAINT approval_pkey, DROP COLUMN plan, ADD PRIMARY KEY (request, approver);
