-- Who ends a pause early goes on in the series of the newsletter: their next step is due as if they
-- had not paused. The planner postpones it again where it has to. Every active enrolment is set,
-- whatever its time: one that the planner postpones at this moment is waited for.

-- up
CREATE FUNCTION series_on_resumption() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series_enrolment AS enrolment
    SET due_at = enrolment.since + make_interval(mins => step.delay_minutes)
    FROM series_step AS step
    JOIN series_series AS series ON series.id = step.series_id
    WHERE series.newsletter_id = NEW.newsletter_id AND enrolment.series_id = series.id
        AND enrolment.next_step_id = step.id AND enrolment.state = 'active'
        AND enrolment.subscriber_id = NEW.subscriber_id;
    RETURN NULL;
END $$;
CREATE TRIGGER series_on_resumption AFTER UPDATE OF paused_until ON subscribers_subscription
    FOR EACH ROW
    WHEN (OLD.paused_until IS NOT NULL
        AND (NEW.paused_until IS NULL OR NEW.paused_until < OLD.paused_until))
    EXECUTE FUNCTION series_on_resumption();

-- down
DROP TRIGGER series_on_resumption ON subscribers_subscription;
DROP FUNCTION series_on_resumption();
