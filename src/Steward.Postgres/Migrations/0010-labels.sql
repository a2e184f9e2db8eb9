-- What callers marked runs with, as an object of texts; null for nothing.
ALTER TABLE steward.run ADD COLUMN labels jsonb;
CREATE INDEX run_labels ON steward.run USING gin (labels jsonb_path_ops) WHERE labels IS NOT NULL;

-- Runs that are there already have theirs in their first event. One whose request PostgreSQL cannot read as JSON (a zero in a text) stays without.
DO $$
DECLARE
    started record;
BEGIN
    FOR started IN
        SELECT e.run, coalesce(e.payload, b.content) AS payload
        FROM steward.event e LEFT JOIN steward.blob b ON e.payload IS NULL AND b.hash = e.payload_hash
        WHERE e.seq = 1 AND position('"labels":{'::bytea IN coalesce(e.payload, b.content)) > 0
    LOOP
        BEGIN
            UPDATE steward.run SET labels = (convert_from(started.payload, 'UTF8')::json -> 'labels')::jsonb WHERE id = started.run;
        EXCEPTION WHEN data_exception THEN
            NULL;
        END;
    END LOOP;
END $$;
