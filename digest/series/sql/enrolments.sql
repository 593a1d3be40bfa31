-- Who confirms, or is imported, enters the series of the newsletter in the transaction that records
-- it: no sign-up is lost, however it came in, and nobody enters twice. Who unsubscribes is out of
-- them in the same way. Without a series that is switched on this is one look at a small index.

-- up
CREATE FUNCTION series_on_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series_enrolment
        (series_id, subscriber_id, state, next_step_id, entered_at, since, due_at)
    SELECT series.id, event.subscriber_id, 'active', first.id, event.at, event.at,
        event.at + make_interval(mins => first.delay_minutes)
    FROM after_rows AS event
    JOIN series_series AS series ON series.newsletter_id = event.newsletter_id
        AND series.active AND series.trigger = 'sign_up'
        AND (event.action = 'confirmed' OR (event.action = 'imported' AND series.includes_imported))
    CROSS JOIN LATERAL (
        SELECT step.id, step.delay_minutes FROM series_step AS step
        WHERE step.series_id = series.id ORDER BY step.position LIMIT 1
        FOR KEY SHARE OF step -- until the commit nobody removes the step
    ) AS first
    ON CONFLICT (series_id, subscriber_id) DO NOTHING;

    UPDATE series_enrolment AS enrolment
    SET state = 'left', next_step_id = NULL, due_at = NULL, ended_at = event.at
    FROM after_rows AS event
    JOIN series_series AS series ON series.newsletter_id = event.newsletter_id
    WHERE event.action = 'unsubscribed' AND enrolment.series_id = series.id
        AND enrolment.subscriber_id = event.subscriber_id AND enrolment.state = 'active';
    RETURN NULL;
END $$;
CREATE TRIGGER series_on_consent AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION series_on_consent();

-- down
DROP TRIGGER series_on_consent ON subscribers_consentevent;
DROP FUNCTION series_on_consent();
