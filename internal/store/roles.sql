-- The roles of the service's own database on PostgreSQL. Run as the owner of the schema, after `almasu migrate`.
-- almasu_service is what `almasu serve` logs in as; almasu_auditor may read, and sees no sealed payload; almasu_retention may also destroy what is kept no longer.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'almasu_service') THEN CREATE ROLE almasu_service NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'almasu_auditor') THEN CREATE ROLE almasu_auditor NOLOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'almasu_retention') THEN CREATE ROLE almasu_retention NOLOGIN; END IF;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM almasu_service, almasu_auditor, almasu_retention, PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO almasu_service, almasu_auditor;
-- Evidence: read and insert, never change (I3, I6, I7).
GRANT SELECT, INSERT ON log_entry, log_hash, log_checkpoint, situations, part, message, settlement TO almasu_service;
-- Heads move forward; what began is closed. UPDATE is granted for the columns that change.
GRANT SELECT, UPDATE (size, checkpoint, blocks, register, restored, began) ON log_head TO almasu_service;
GRANT SELECT, UPDATE (next) ON roster_head TO almasu_service;
GRANT SELECT, INSERT, UPDATE (next) ON sequence TO almasu_service;
GRANT SELECT, INSERT, UPDATE (recipient, finished, report) ON transfer TO almasu_service;
GRANT SELECT, INSERT, UPDATE (state, worker, lease_until, term, attempt, transfer, reason, cancel, hold) ON due TO almasu_service;
GRANT SELECT, INSERT, UPDATE (until) ON exception TO almasu_service;
-- What was found is not changed; the decision is entered beside it.
GRANT SELECT, INSERT, UPDATE (state, ended, actor, reason, approval) ON hold TO almasu_service;
GRANT SELECT, INSERT ON plan TO almasu_service;
GRANT SELECT, INSERT, UPDATE (lifted, outcome) ON block TO almasu_service;
GRANT SELECT, INSERT ON request, approval, request_closed TO almasu_service;
GRANT SELECT, INSERT, UPDATE (closed, outcome) ON duty TO almasu_service;
GRANT SELECT, INSERT, UPDATE (lifted) ON legal_hold TO almasu_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON roster_chunk TO almasu_service;
GRANT SELECT, INSERT, DELETE, UPDATE (stale) ON outbox TO almasu_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON held TO almasu_service;
GRANT SELECT, INSERT, UPDATE (done) ON refresh TO almasu_service;
GRANT SELECT ON refresh TO almasu_auditor;
GRANT SELECT, INSERT, UPDATE (restored, at) ON compared TO almasu_service;
GRANT SELECT, INSERT ON period_key, key_check TO almasu_service;
GRANT SELECT ON kept_set TO almasu_service;
-- Destruction: a period's key is emptied, what is under a hold is sealed anew, and pseudonyms in ended blocks and holds are blotted out, and
-- keys of accounts in notices and retries.
GRANT almasu_service TO almasu_retention;
GRANT UPDATE (body, destroyed) ON period_key TO almasu_retention;
GRANT INSERT, DELETE ON kept_set TO almasu_retention;
GRANT UPDATE (tag) ON block, legal_hold TO almasu_retention;
GRANT UPDATE (body) ON notice, retry TO almasu_retention;
GRANT SELECT, INSERT, UPDATE ON line TO almasu_service;
GRANT SELECT, INSERT, UPDATE (version, horizon, scope, began) ON mark TO almasu_service;
GRANT SELECT, INSERT, UPDATE (deployment, state, since, until), DELETE ON serving TO almasu_service;
GRANT SELECT, INSERT, DELETE ON condition TO almasu_service;
GRANT SELECT, INSERT, UPDATE (tries, due), DELETE ON sending TO almasu_service;
GRANT SELECT ON goose_db_version TO almasu_service;
GRANT SELECT ON log_head, log_entry, log_hash, log_checkpoint, situations, transfer, part, message, settlement, sequence, due, exception, hold, plan, duty, compared, line, mark, condition, key_check, serving TO almasu_auditor;
GRANT SELECT (duty, placed, lifted) ON legal_hold TO almasu_auditor;
GRANT SELECT, INSERT ON notice, retry TO almasu_service;
GRANT SELECT ON notice, retry, request_closed TO almasu_auditor;
