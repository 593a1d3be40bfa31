-- Evidence of consent goes with its subscriber, never all at once.

-- up
CREATE TRIGGER consent_event_no_truncate BEFORE TRUNCATE ON subscribers_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_refuse_update();

-- down
DROP TRIGGER consent_event_no_truncate ON subscribers_consentevent;
