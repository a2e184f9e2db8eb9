-- The number of the last change of a switch, of a ceiling that runs share, or of a limit. Nodes keep what they know of these; each append asks only whether it is still the last.
-- Triggers raise it, so that also a node of an earlier version, or a person with psql, does.
CREATE TABLE steward.control (
    version bigint NOT NULL
);
INSERT INTO steward.control (version) VALUES (1);

-- What was drawn on a scope that has no ceiling, apart for each writer (part), so that nobody waits for anybody. Its total is the row of steward.budget and all parts.
CREATE TABLE steward.budget_part (
    scope           text    COLLATE "C" NOT NULL,
    part            integer NOT NULL,
    spent_models    bigint  NOT NULL,
    spent_tools     bigint  NOT NULL,
    spent_tokens    bigint  NOT NULL,
    spent_usd       numeric NOT NULL,
    reserved_models bigint  NOT NULL,
    reserved_tools  bigint  NOT NULL,
    reserved_tokens bigint  NOT NULL,
    reserved_usd    numeric NOT NULL,
    PRIMARY KEY (scope, part)
) WITH (fillfactor = 50);
CREATE SEQUENCE steward.writer;

-- Ends a transaction that was made on an assumption which does not hold.
CREATE FUNCTION steward.refuse(assumption text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'STW01', MESSAGE = 'It is not so: ' || assumption;
END $$;

CREATE FUNCTION steward.control_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE steward.control SET version = version + 1;
    RETURN NULL;
END $$;

-- A scope that gets a ceiling is one row from now on. Whoever sets it has the control lock alone, so nothing is drawn on its parts meanwhile.
CREATE FUNCTION steward.ceiling_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE steward.control SET version = version + 1;
    WITH gone AS (
        DELETE FROM steward.budget_part p
        WHERE p.scope = NEW.scope OR (NEW.scope LIKE 'agent:%' AND starts_with(p.scope, NEW.scope || '@') AND strpos(substr(p.scope, length(NEW.scope) + 2), '@') = 0)
        RETURNING *)
    INSERT INTO steward.budget AS b (scope, spent_models, spent_tools, spent_tokens, spent_usd, reserved_models, reserved_tools, reserved_tokens, reserved_usd)
    SELECT scope, sum(spent_models), sum(spent_tools), sum(spent_tokens), sum(spent_usd), sum(reserved_models), sum(reserved_tools), sum(reserved_tokens), sum(reserved_usd)
    FROM gone GROUP BY scope
    ON CONFLICT (scope) DO UPDATE SET
        spent_models = b.spent_models + excluded.spent_models, spent_tools = b.spent_tools + excluded.spent_tools,
        spent_tokens = b.spent_tokens + excluded.spent_tokens, spent_usd = b.spent_usd + excluded.spent_usd,
        reserved_models = b.reserved_models + excluded.reserved_models, reserved_tools = b.reserved_tools + excluded.reserved_tools,
        reserved_tokens = b.reserved_tokens + excluded.reserved_tokens, reserved_usd = b.reserved_usd + excluded.reserved_usd;
    RETURN NULL;
END $$;

CREATE TRIGGER kill_switch_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON steward.kill_switch
    FOR EACH STATEMENT EXECUTE FUNCTION steward.control_changed();
CREATE TRIGGER limit_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON steward.concurrency_limit
    FOR EACH STATEMENT EXECUTE FUNCTION steward.control_changed();
CREATE TRIGGER ceiling_set AFTER INSERT ON steward.budget FOR EACH ROW
    WHEN (NEW.scope NOT LIKE 'run:%' AND NEW.scope NOT LIKE 'session:%'
        AND (NEW.max_models IS NOT NULL OR NEW.max_tools IS NOT NULL OR NEW.max_tokens IS NOT NULL OR NEW.max_usd IS NOT NULL))
    EXECUTE FUNCTION steward.ceiling_changed();
CREATE TRIGGER ceiling_changed AFTER UPDATE OF max_models, max_tools, max_tokens, max_usd ON steward.budget FOR EACH ROW
    WHEN (NEW.scope NOT LIKE 'run:%' AND NEW.scope NOT LIKE 'session:%')
    EXECUTE FUNCTION steward.ceiling_changed();
