-- Consent events are append-only: none is changed. Erasing a subscriber deletes their events.

-- up
CREATE FUNCTION subscribers_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION subscribers_refuse_change();

-- down
DROP TRIGGER consent_event_append_only ON subscribers_consentevent;
DROP FUNCTION subscribers_refuse_change();
