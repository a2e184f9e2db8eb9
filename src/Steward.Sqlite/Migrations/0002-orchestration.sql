-- Children, queued runs of a session, questions to people, feedback.

-- ancestors: 16 bytes each, the parent first. queued: 1 while it waits for earlier runs of its session.
ALTER TABLE run ADD COLUMN ancestors BLOB;
ALTER TABLE run ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
CREATE INDEX run_parent ON run (substr(ancestors, 1, 16)) WHERE ancestors IS NOT NULL;

CREATE TABLE question (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    question_id TEXT    NOT NULL,
    tenant      TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    UNIQUE (run, question_id)
);
CREATE INDEX question_open ON question (tenant) WHERE status = 'open';

CREATE TABLE feedback (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    feedback_id TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    UNIQUE (run, feedback_id)
);
