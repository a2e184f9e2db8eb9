-- Limits that operators set: runs at once, runs in the queue, calls of a tool at once.

CREATE TABLE concurrency_limit (
    scope TEXT PRIMARY KEY,
    runs  INTEGER,
    queue INTEGER,
    calls INTEGER
);

-- slots: the run's calls in flight that count against a limit, for example '3.0:fetch 3.1:fetch'.
ALTER TABLE run ADD COLUMN slots TEXT;
CREATE INDEX run_slots ON run (id) WHERE slots IS NOT NULL;
CREATE INDEX run_queued ON run (tenant) WHERE queued;
