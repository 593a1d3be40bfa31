-- Past deliveries go after their time, issue by issue, never all at once.

-- up
CREATE FUNCTION sending_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER past_delivery_no_truncate BEFORE TRUNCATE ON sending_pastdelivery
    FOR EACH STATEMENT EXECUTE FUNCTION sending_refuse_truncate();

-- down
DROP TRIGGER past_delivery_no_truncate ON sending_pastdelivery;
DROP FUNCTION sending_refuse_truncate();
