-- +goose Up
-- An approval is of a request together with the plan of its answer: its digest, empty where it names none. Somebody may approve another plan, too.
CREATE TABLE approval_of_plan (
    request  TEXT NOT NULL REFERENCES request (id),
    approver TEXT NOT NULL,
    plan     TEXT NOT NULL,
    body     TEXT NOT NULL,
    approved INTEGER NOT NULL,
    PRIMARY KEY (request, approver, plan)
);
INSERT INTO approval_of_plan (request, approver, plan, body, approved) SELECT request, approver, '', body, approved FROM approval;
DROP TABLE approval;
ALTER TABLE approval_of_plan RENAME TO approval;
-- A request that is closed is not answered any more; note says what came of it.
CREATE TABLE request_closed (
    request TEXT PRIMARY KEY REFERENCES request (id),
    closed  INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    note    TEXT NOT NULL CHECK (note <> '')
);

-- +goose Down
DROP TABLE request_closed;
CREATE TABLE approval_of_request (
    request  TEXT NOT NULL REFERENCES request (id),
    approver TEXT NOT NULL,
    body     TEXT NOT NULL,
    approved INTEGER NOT NULL,
    PRIMARY KEY (request, approver)
);
INSERT INTO approval_of_request (request, approver, body, approved) SELECT request, approver, body, approved FROM approval WHERE plan = '';
DROP TABLE approval;
ALTER TABLE approval_of_request RENAME TO approval;
