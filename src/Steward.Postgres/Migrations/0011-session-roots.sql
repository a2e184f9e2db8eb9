-- A session's own runs, newest first, however many children they have.
CREATE INDEX run_session_root ON steward.run (tenant, session, id) WHERE session IS NOT NULL AND ancestors = '{}';
