-- One row a node: its lease is that of all the runs that it works on. A claim's own lease stands in the run's claimable_at; what comes after it is the node's.
CREATE TABLE steward.node (
    name       text        COLLATE "C" PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Who holds runs now keeps them for as long as it renewed them.
INSERT INTO steward.node (name, expires_at, started_at)
SELECT worker, coalesce(max(claimable_at), clock_timestamp()), clock_timestamp() FROM steward.run WHERE worker IS NOT NULL GROUP BY worker;

-- Leased runs are in none of the indexes of what can be claimed: renewals would leave them there, due.
DROP INDEX steward.run_claimable_at;
CREATE INDEX run_due ON steward.run (claimable_at, id) WHERE worker IS NULL AND claimable_at IS NOT NULL;
CREATE INDEX run_tenant_due ON steward.run (tenant, claimable_at, id) WHERE worker IS NULL AND claimable_at IS NOT NULL;
CREATE INDEX run_leased ON steward.run (tenant) WHERE worker IS NOT NULL;
