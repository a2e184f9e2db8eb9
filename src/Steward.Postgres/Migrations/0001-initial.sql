-- 'steward.' stands for the schema that the options name. Names compare by their bytes, as everywhere in Steward.

-- head and status change with every append: room in the page keeps those updates out of the indexes.
CREATE TABLE steward.run (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid         uuid        NOT NULL UNIQUE,
    tenant       text        COLLATE "C" NOT NULL,
    user_name    text        COLLATE "C",
    session      text        COLLATE "C",
    agent        text        COLLATE "C" NOT NULL,
    version      text        NOT NULL,
    client_key   text        COLLATE "C",
    status       text        NOT NULL,
    reason       text        NOT NULL,
    epoch        bigint      NOT NULL DEFAULT 0,
    worker       text        COLLATE "C",
    attempts     integer     NOT NULL DEFAULT 0,
    head         bigint      NOT NULL,
    head_hash    bytea       NOT NULL,
    claimable_at timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    -- The parent first, then its parent, and so on.
    ancestors    uuid[]      NOT NULL,
    -- Whether it waits for earlier runs of its session.
    queued       boolean     NOT NULL
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX run_client_key ON steward.run (tenant, client_key) WHERE client_key IS NOT NULL;
CREATE INDEX run_claimable_at ON steward.run (claimable_at, id) WHERE claimable_at IS NOT NULL;
CREATE INDEX run_worker ON steward.run (worker) WHERE worker IS NOT NULL;
CREATE INDEX run_session ON steward.run (tenant, session) WHERE session IS NOT NULL;
CREATE INDEX run_agent ON steward.run (agent, id);
CREATE INDEX run_parent ON steward.run ((ancestors[1])) WHERE ancestors <> '{}';

-- payload is null when it lives in the blob of payload_hash. No foreign key: the gate holds the run's row whenever it writes here.
CREATE TABLE steward.event (
    run          bigint      NOT NULL,
    seq          bigint      NOT NULL,
    type         text        NOT NULL,
    time         timestamptz NOT NULL,
    hash         bytea       NOT NULL,
    payload_hash bytea       NOT NULL,
    payload      bytea,
    PRIMARY KEY (run, seq)
) WITH (toast_tuple_target = 8160);
ALTER TABLE steward.event ALTER COLUMN payload SET STORAGE MAIN;

CREATE TABLE steward.blob (
    hash    bytea PRIMARY KEY,
    content bytea NOT NULL
);

-- consumed is the sequence whose append applied it.
CREATE TABLE steward.signal (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run       bigint      NOT NULL REFERENCES steward.run,
    signal_id text        COLLATE "C" NOT NULL,
    body      bytea       NOT NULL,
    at        timestamptz NOT NULL,
    consumed  bigint,
    UNIQUE (run, signal_id)
);
CREATE INDEX signal_unconsumed ON steward.signal (run) WHERE consumed IS NULL;

CREATE TABLE steward.budget (
    scope           text    COLLATE "C" PRIMARY KEY,
    max_models      bigint,
    max_tools       bigint,
    max_tokens      bigint,
    max_usd         numeric,
    spent_models    bigint  NOT NULL DEFAULT 0,
    spent_tools     bigint  NOT NULL DEFAULT 0,
    spent_tokens    bigint  NOT NULL DEFAULT 0,
    spent_usd       numeric NOT NULL DEFAULT 0,
    reserved_models bigint  NOT NULL DEFAULT 0,
    reserved_tools  bigint  NOT NULL DEFAULT 0,
    reserved_tokens bigint  NOT NULL DEFAULT 0,
    reserved_usd    numeric NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE steward.kill_switch (
    scope  text        COLLATE "C" PRIMARY KEY,
    by     text        NOT NULL,
    reason text,
    at     text        NOT NULL
);

CREATE TABLE steward.snapshot (
    run     bigint  PRIMARY KEY REFERENCES steward.run,
    seq     bigint  NOT NULL,
    version integer NOT NULL,
    data    bytea   NOT NULL
);

CREATE TABLE steward.question (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint NOT NULL REFERENCES steward.run,
    question_id text   COLLATE "C" NOT NULL,
    tenant      text   COLLATE "C" NOT NULL,
    status      text   NOT NULL,
    body        bytea  NOT NULL,
    UNIQUE (run, question_id)
);
CREATE INDEX question_open ON steward.question (tenant) WHERE status = 'open';

CREATE TABLE steward.feedback (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         bigint NOT NULL REFERENCES steward.run,
    feedback_id text   COLLATE "C" NOT NULL,
    body        bytea  NOT NULL,
    UNIQUE (run, feedback_id)
);
