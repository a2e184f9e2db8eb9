-- A session's own runs, newest first, however many children they have.
CREATE INDEX run_session_root ON run (tenant, session) WHERE session IS NOT NULL AND ancestors IS NULL;
