-- Blobs that nothing named when a sweep looked, and when that was. Whoever keeps such a blob again, or starts a run that names it, takes the note back.
CREATE TABLE blob_unnamed (
    hash  BLOB    PRIMARY KEY,
    since INTEGER NOT NULL
) WITHOUT ROWID;
