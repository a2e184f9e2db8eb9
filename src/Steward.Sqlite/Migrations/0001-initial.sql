-- Times are milliseconds since 1970 (UTC); ids and hashes are blobs; money is in nano-dollars.

CREATE TABLE run (
    id           INTEGER PRIMARY KEY,
    uuid         BLOB    NOT NULL UNIQUE,
    tenant       TEXT    NOT NULL,
    user         TEXT,
    session      TEXT,
    agent        TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    client_key   TEXT,
    status       TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    epoch        INTEGER NOT NULL,
    worker       TEXT,
    attempts     INTEGER NOT NULL,
    head         INTEGER NOT NULL,
    head_hash    BLOB    NOT NULL,
    claimable_at INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
);
CREATE UNIQUE INDEX run_client_key ON run (tenant, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX run_claimable ON run (claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX run_worker ON run (worker) WHERE worker IS NOT NULL;
CREATE INDEX run_session ON run (tenant, session) WHERE session IS NOT NULL;
CREATE INDEX run_tenant ON run (tenant);

-- payload is null when it lives in the blob of payload_hash (in_blob = 1).
CREATE TABLE event (
    id           INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    type         TEXT    NOT NULL,
    time         INTEGER NOT NULL,
    in_blob      INTEGER NOT NULL,
    hash         BLOB    NOT NULL,
    payload_hash BLOB    NOT NULL,
    payload      BLOB
);
CREATE UNIQUE INDEX event_run_seq ON event (run, seq);

CREATE TABLE blob (
    id      INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL
);

-- consumed is the sequence whose append applied it.
CREATE TABLE signal (
    id        INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL,
    signal_id TEXT    NOT NULL,
    body      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    consumed  INTEGER,
    UNIQUE (run, signal_id)
);
CREATE INDEX signal_unconsumed ON signal (run) WHERE consumed IS NULL;

CREATE TABLE budget (
    scope            TEXT PRIMARY KEY,
    max_models       INTEGER,
    max_tools        INTEGER,
    max_tokens       INTEGER,
    max_nano         INTEGER,
    spent_models     INTEGER NOT NULL,
    spent_tools      INTEGER NOT NULL,
    spent_tokens     INTEGER NOT NULL,
    spent_nano       INTEGER NOT NULL,
    reserved_models  INTEGER NOT NULL,
    reserved_tools   INTEGER NOT NULL,
    reserved_tokens  INTEGER NOT NULL,
    reserved_nano    INTEGER NOT NULL
);

CREATE TABLE kill_switch (
    scope  TEXT PRIMARY KEY,
    by     TEXT NOT NULL,
    reason TEXT,
    at     TEXT NOT NULL
);

CREATE TABLE snapshot (
    run     INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    data    BLOB    NOT NULL
);
