CREATE TABLE notes (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  run_id TEXT,
  -- The same call, made again after a crash, breaks this constraint instead of writing twice.
  idempotency_key TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE INDEX notes_run ON notes (run_id);

INSERT INTO notes (text, idempotency_key) VALUES ('The plants are on the third floor.', 'seed-1');
