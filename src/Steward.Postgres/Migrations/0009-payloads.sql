-- Payloads stay in their rows, out of the TOAST table's way, and at least two rows fit a page: what is larger than that is compressed first. A payload of 4,000 bytes had a page to itself before (bench: postgres toast).
ALTER TABLE steward.event SET (toast_tuple_target = 4080);

-- lz4 is faster than the default, where the server has it (PostgreSQL 14 and later, if built with it).
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 140000 THEN
        EXECUTE 'ALTER TABLE steward.event ALTER COLUMN payload SET COMPRESSION lz4';
        EXECUTE 'ALTER TABLE steward.blob ALTER COLUMN content SET COMPRESSION lz4';
    END IF;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
