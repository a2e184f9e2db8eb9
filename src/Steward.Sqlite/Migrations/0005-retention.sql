-- Runs that were deleted on purpose: what the witness still says of them is no loss. Emptied once the witness is rewritten without them.
CREATE TABLE pruned (uuid BLOB PRIMARY KEY) WITHOUT ROWID;
