-- Consent events are append-only. Each statement that adds some also adds to the daily growth.
-- Erasing a subscriber deletes their events, never all at once; the growth stays.

-- up
CREATE FUNCTION subscribers_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION subscribers_refuse_change();
CREATE TRIGGER consent_event_no_truncate BEFORE TRUNCATE ON subscribers_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_refuse_change();

CREATE FUNCTION subscribers_add_growth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscribers_growth (day, newsletter_id, joined, "left")
    SELECT (at AT TIME ZONE 'UTC')::date, newsletter_id,
        count(*) FILTER (WHERE action <> 'unsubscribed'),
        count(*) FILTER (WHERE action = 'unsubscribed')
    FROM after_rows WHERE action IN ('confirmed', 'imported', 'unsubscribed') GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE TRIGGER subscribers_growth AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_add_growth();

-- down
DROP TRIGGER subscribers_growth ON subscribers_consentevent;
DROP FUNCTION subscribers_add_growth();
DROP TRIGGER consent_event_no_truncate ON subscribers_consentevent;
DROP TRIGGER consent_event_append_only ON subscribers_consentevent;
DROP FUNCTION subscribers_refuse_change();
