-- TRUNCATE of the audit log is refused as UPDATE and DELETE are. When an account goes, its reference
-- may go from an entry, and nothing else of the entry may change with it.

-- up
CREATE OR REPLACE FUNCTION accounts_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.user_id IS NULL
        AND to_jsonb(NEW) - 'user_id' = to_jsonb(OLD) - 'user_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_keep_audit();

-- down
DROP TRIGGER audit_no_truncate ON accounts_auditentry;
