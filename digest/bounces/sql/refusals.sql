-- A refusal is queued in the transaction that records the outcome, so none is lost, whichever process
-- ends, and sending does not wait for what follows. Deliveries that succeed do not call the function.

-- up
CREATE FUNCTION bounces_queue_refusal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bounces_refusal (subscriber_id, issue_id, code, reply, at)
    VALUES (NEW.subscriber_id, NEW.issue_id, NEW.reply_code, NEW.reply,
        coalesce(NEW.settled_at, now()));
    RETURN NULL;
END $$;
CREATE TRIGGER bounces_queue_refusal AFTER UPDATE OF state ON sending_delivery
    FOR EACH ROW WHEN (NEW.state = 4 AND OLD.state <> 4 AND NEW.reply_code >= 400
        AND NEW.subscriber_id IS NOT NULL)
    EXECUTE FUNCTION bounces_queue_refusal();

CREATE TRIGGER bounces_queue_first_refusal AFTER INSERT ON sending_delivery
    FOR EACH ROW WHEN (NEW.state = 4 AND NEW.reply_code >= 400 AND NEW.subscriber_id IS NOT NULL)
    EXECUTE FUNCTION bounces_queue_refusal();

-- down
DROP TRIGGER bounces_queue_first_refusal ON sending_delivery;
DROP TRIGGER bounces_queue_refusal ON sending_delivery;
DROP FUNCTION bounces_queue_refusal();
