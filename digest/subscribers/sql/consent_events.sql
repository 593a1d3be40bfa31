-- Consent events are append-only. Erasing a subscriber deletes their events, never all at once.

-- up
CREATE FUNCTION subscribers_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION subscribers_refuse_change();
CREATE TRIGGER consent_event_no_truncate BEFORE TRUNCATE ON subscribers_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_refuse_change();

-- down
DROP TRIGGER consent_event_no_truncate ON subscribers_consentevent;
DROP TRIGGER consent_event_append_only ON subscribers_consentevent;
DROP FUNCTION subscribers_refuse_change();
