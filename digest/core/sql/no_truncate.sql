-- A table whose rows may go in their time, but never all at once.

-- up
CREATE FUNCTION {table}_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse_truncate();

-- down
DROP TRIGGER {table}_no_truncate ON {table};
DROP FUNCTION {table}_refuse_truncate();
