-- The silos of Orleans clusters (Steward.Orleans), a version for each cluster's list. An etag is the number of the transaction that wrote it.
CREATE TABLE steward.cluster (
    cluster text    COLLATE "C" PRIMARY KEY,
    version integer NOT NULL,
    etag    bigint  NOT NULL
);

CREATE TABLE steward.silo (
    cluster      text        COLLATE "C" NOT NULL REFERENCES steward.cluster,
    silo         text        COLLATE "C" NOT NULL,
    etag         bigint      NOT NULL,
    status       text        NOT NULL,
    name         text        NOT NULL,
    host         text        NOT NULL,
    role         text,
    gateway_port integer     NOT NULL,
    update_zone  integer     NOT NULL,
    fault_zone   integer     NOT NULL,
    started_at   timestamptz NOT NULL,
    alive_at     timestamptz NOT NULL,
    -- Who voted this silo dead, and when.
    suspected_by text[]        NOT NULL,
    suspected_at timestamptz[] NOT NULL,
    PRIMARY KEY (cluster, silo)
);
