-- What callers marked runs with, as a JSON object of texts; null for nothing. Runs that are there already have theirs in their first event.
ALTER TABLE run ADD COLUMN labels TEXT;
UPDATE run SET labels = (
    SELECT json_extract(CAST(coalesce(e.payload, b.content) AS TEXT), '$.labels')
    FROM event e LEFT JOIN blob b ON e.in_blob = 1 AND b.hash = e.payload_hash
    WHERE e.run = run.id AND e.seq = 1 AND instr(coalesce(e.payload, b.content), CAST('"labels":{' AS BLOB)) > 0);
