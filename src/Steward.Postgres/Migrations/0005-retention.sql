-- Runs that were deleted on purpose: nodes may still remember how far they went, and must not take them for lost. Forgotten after a month.
CREATE TABLE steward.pruned (
    uuid uuid        PRIMARY KEY,
    at   timestamptz NOT NULL
);
CREATE INDEX pruned_at ON steward.pruned (at);
