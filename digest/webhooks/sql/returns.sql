-- What was accepted and came back later, by mail or from a provider, and complaints. What was refused
-- while it was sent has its event already (events.sql). A delivery that is archived has the number 0.

-- up
CREATE FUNCTION webhooks_on_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event(
        CASE WHEN NEW.is_complaint THEN 'delivery.complained' ELSE 'delivery.bounced' END,
        NEW.at, issue.newsletter_id, NEW.subscriber_id, issue.id,
        coalesce((SELECT delivery.id FROM sending_delivery AS delivery
            WHERE delivery.issue_id = issue.id AND delivery.subscriber_id = NEW.subscriber_id),
            (SELECT sent.id FROM sending_sentdelivery AS sent
            WHERE sent.issue_id = issue.id AND sent.subscriber_id = NEW.subscriber_id), 0))
    FROM issues_issue AS issue WHERE issue.id = NEW.issue_id;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_return AFTER INSERT ON bounces_bounce
    FOR EACH ROW WHEN (NEW.source <> 'smtp' AND NEW.issue_id IS NOT NULL)
    EXECUTE FUNCTION webhooks_on_return();

-- A drop of an issue at some destinations is one event; the destinations are looked up when it is posted.
CREATE FUNCTION webhooks_on_drop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhooks_queue_event('deliverability.dropped', max(noticed_at), newsletter_id, NULL,
        issue_id, NULL)
    FROM after_rows GROUP BY newsletter_id, issue_id;
    RETURN NULL;
END $$;
CREATE TRIGGER webhooks_on_drop AFTER INSERT ON bounces_drop
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION webhooks_on_drop();

-- down
DROP TRIGGER webhooks_on_drop ON bounces_drop;
DROP FUNCTION webhooks_on_drop();
DROP TRIGGER webhooks_on_return ON bounces_bounce;
DROP FUNCTION webhooks_on_return();
