-- The server's timelines on which runs were claimed. A further one begins where a standby was promoted or a backup restored: what was committed last before it may be missing.
CREATE TABLE steward.timeline (
    timeline bigint      PRIMARY KEY,
    seen_at  timestamptz NOT NULL
);
INSERT INTO steward.timeline (timeline, seen_at) VALUES (('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint, clock_timestamp());

-- Whether what the run did last may be missing from its journal: until somebody who knows how far it was appends, or a person is asked.
ALTER TABLE steward.run ADD COLUMN doubted boolean NOT NULL DEFAULT false;
