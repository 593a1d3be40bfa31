-- A webhook delivery is inserted in the transaction of the change that it reports: neither exists
-- without the other, nothing has to be searched afterwards, and no package below knows of webhooks.
-- Where no webhook wants the event this costs one look at an all but empty table; a delivery that
-- does not fail does not even call the function (the WHEN clauses).

-- up
CREATE FUNCTION webhooks_queue_event(
    kind text, happened timestamptz, of_newsletter bigint, of_subscriber bigint,
    of_issue bigint, of_delivery bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO webhooks_webhookdelivery (webhook_id, event, at, newsletter_id, subscriber_id,
        issue_id, delivery_id, state, due_at, attempts, reply)
    SELECT webhook.id, kind, happened, newsletter.id, of_subscriber, of_issue, of_delivery,
        0, now(), 0, ''
    FROM webhooks_webhook AS webhook JOIN newsletters_newsletter AS newsletter
        ON newsletter.id = of_newsletter
    WHERE webhook.disabled_at IS NULL AND kind = ANY(webhook.events)
        AND (webhook.publication_id IS NULL OR webhook.publication_id = newsletter.publication_id)
$$;

CREATE FUNCTION webhooks_on_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event(
        CASE NEW.action WHEN 'unsubscribed' THEN 'subscriber.unsubscribed'
            ELSE 'subscriber.subscribed' END,
        NEW.at, NEW.newsletter_id, NEW.subscriber_id, NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_consent AFTER INSERT ON subscribers_consentevent
    FOR EACH ROW WHEN (NEW.action IN ('confirmed', 'unsubscribed', 'restored'))
    EXECUTE FUNCTION webhooks_on_consent();

CREATE FUNCTION webhooks_on_issue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event('issue.sent', coalesce(NEW.finished_at, now()), NEW.newsletter_id,
        NULL, NEW.id, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_issue AFTER UPDATE OF state ON issues_issue
    FOR EACH ROW WHEN (NEW.state = 'sent' AND OLD.state <> 'sent' AND NEW.kind <> 'series')
    EXECUTE FUNCTION webhooks_on_issue();

CREATE FUNCTION webhooks_on_experiment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event('experiment.decided', NEW.decided_at, issue.newsletter_id,
        NULL, issue.id, NULL)
    FROM issues_issue AS issue WHERE issue.id = NEW.issue_id;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_experiment AFTER UPDATE OF decided_at ON issues_experiment
    FOR EACH ROW WHEN (NEW.decided_at IS NOT NULL AND OLD.decided_at IS NULL)
    EXECUTE FUNCTION webhooks_on_experiment();

CREATE FUNCTION webhooks_on_bounce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event('delivery.bounced', coalesce(NEW.settled_at, now()),
        issue.newsletter_id, NEW.subscriber_id, issue.id, NEW.id)
    FROM issues_issue AS issue WHERE issue.id = NEW.issue_id;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_bounce AFTER UPDATE OF state ON sending_delivery
    FOR EACH ROW WHEN (NEW.state = 4 AND OLD.state <> 4 AND NEW.reply_code IS NOT NULL
        AND NEW.subscriber_id IS NOT NULL)
    EXECUTE FUNCTION webhooks_on_bounce();

CREATE TRIGGER webhooks_on_first_bounce AFTER INSERT ON sending_delivery
    FOR EACH ROW WHEN (NEW.state = 4 AND NEW.reply_code IS NOT NULL
        AND NEW.subscriber_id IS NOT NULL)
    EXECUTE FUNCTION webhooks_on_bounce();

-- Series are entered and left by thousands in one statement, so these are inserted by statement.
CREATE FUNCTION webhooks_queue_enrolments(kind text, enrolment_ids bigint[]) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO webhooks_webhookdelivery (webhook_id, event, at, newsletter_id, subscriber_id,
        enrolment_id, state, due_at, attempts, reply)
    SELECT webhook.id, kind,
        CASE kind WHEN 'series.entered' THEN enrolment.entered_at ELSE enrolment.ended_at END,
        newsletter.id, enrolment.subscriber_id, enrolment.id, 0, now(), 0, ''
    FROM webhooks_webhook AS webhook
    JOIN series_enrolment AS enrolment ON enrolment.id = ANY(enrolment_ids)
    JOIN series_series AS series ON series.id = enrolment.series_id
    JOIN newsletters_newsletter AS newsletter ON newsletter.id = series.newsletter_id
    WHERE webhook.disabled_at IS NULL AND kind = ANY(webhook.events)
        AND (webhook.publication_id IS NULL OR webhook.publication_id = newsletter.publication_id)
$$;

CREATE FUNCTION webhooks_on_enrolment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM webhooks_queue_enrolments('series.entered',
            (SELECT array_agg(enrolment.id) FROM after_rows AS enrolment));
    ELSE
        PERFORM webhooks_queue_enrolments('series.ended',
            (SELECT array_agg(enrolment.id) FROM after_rows AS enrolment
                JOIN before_rows AS earlier ON earlier.id = enrolment.id
                WHERE earlier.ended_at IS NULL AND enrolment.ended_at IS NOT NULL));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_entering AFTER INSERT ON series_enrolment
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_on_enrolment();
CREATE TRIGGER webhooks_on_ending AFTER UPDATE ON series_enrolment
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_on_enrolment();

-- down
DROP TRIGGER webhooks_on_ending ON series_enrolment;
DROP TRIGGER webhooks_on_entering ON series_enrolment;
DROP TRIGGER webhooks_on_first_bounce ON sending_delivery;
DROP TRIGGER webhooks_on_consent ON subscribers_consentevent;
DROP TRIGGER webhooks_on_issue ON issues_issue;
DROP TRIGGER webhooks_on_experiment ON issues_experiment;
DROP TRIGGER webhooks_on_bounce ON sending_delivery;
DROP FUNCTION webhooks_on_consent();
DROP FUNCTION webhooks_on_issue();
DROP FUNCTION webhooks_on_experiment();
DROP FUNCTION webhooks_on_bounce();
DROP FUNCTION webhooks_on_enrolment();
DROP FUNCTION webhooks_queue_enrolments(text, bigint[]);
DROP FUNCTION webhooks_queue_event(text, timestamptz, bigint, bigint, bigint, bigint);
