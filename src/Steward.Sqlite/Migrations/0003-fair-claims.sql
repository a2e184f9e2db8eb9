CREATE INDEX run_tenant_claimable ON run (tenant, claimable_at) WHERE claimable_at IS NOT NULL;
CREATE INDEX run_leased ON run (tenant) WHERE worker IS NOT NULL;
