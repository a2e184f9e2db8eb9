-- Blobs that nothing named when a sweep looked, and when that was. Whoever keeps such a blob again, or starts a run that names it, takes the note back.
CREATE TABLE steward.blob_unnamed (
    hash  bytea       PRIMARY KEY,
    since timestamptz NOT NULL
);
