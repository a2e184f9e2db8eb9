-- Limits that operators set: runs at once, runs in the queue, calls of a tool at once.

CREATE TABLE steward.concurrency_limit (
    scope text    COLLATE "C" PRIMARY KEY,
    runs  integer,
    queue integer,
    calls integer
);

-- slots: the run's calls in flight that count against a limit, for example '3.0:fetch 3.1:fetch'. Null for nearly all, so updates stay out of the index.
ALTER TABLE steward.run ADD COLUMN slots text;
CREATE INDEX run_slots ON steward.run (id) WHERE slots IS NOT NULL;
CREATE INDEX run_queued ON steward.run (tenant) WHERE queued;
