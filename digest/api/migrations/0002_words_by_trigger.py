from django.db import migrations

# A word is laid down in the transaction of the change that it is about: neither is there without
# the other, nothing has to be looked for afterwards, and no floor below knows of hooks. Where no
# hook wants the event it costs one look at an all but empty table; a delivery that is not failing
# does not even call the function (the WHEN clauses).
TRIGGERS = """
CREATE FUNCTION api_lay_word(
    kind text, happened timestamptz, of_newsletter bigint, of_subscriber bigint,
    of_edition bigint, of_delivery bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO api_word (hook_id, event, at, newsletter_id, subscriber_id, edition_id,
        delivery_id, state, due_at, attempts, reply)
    SELECT hook.id, kind, happened, newsletter.id, of_subscriber, of_edition, of_delivery,
        0, now(), 0, ''
    FROM api_webhook AS hook JOIN newsletters_newsletter AS newsletter
        ON newsletter.id = of_newsletter
    WHERE hook.disabled_at IS NULL AND kind = ANY(hook.events)
        AND (hook.publication_id IS NULL OR hook.publication_id = newsletter.publication_id)
$$;

CREATE FUNCTION api_tell_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM api_lay_word(
        CASE NEW.action WHEN 'confirmed' THEN 'subscriber.subscribed'
            ELSE 'subscriber.unsubscribed' END,
        NEW.at, NEW.newsletter_id, NEW.subscriber_id, NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER api_tell_consent AFTER INSERT ON subscribers_consentevent
    FOR EACH ROW WHEN (NEW.action IN ('confirmed', 'unsubscribed'))
    EXECUTE FUNCTION api_tell_consent();

CREATE FUNCTION api_tell_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM api_lay_word('edition.sent', coalesce(NEW.finished_at, now()), NEW.newsletter_id,
        NULL, NEW.id, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER api_tell_edition AFTER UPDATE OF state ON editions_edition
    FOR EACH ROW WHEN (NEW.state = 'sent' AND OLD.state <> 'sent')
    EXECUTE FUNCTION api_tell_edition();

CREATE FUNCTION api_tell_bounce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM api_lay_word('delivery.bounced', coalesce(NEW.settled_at, now()),
        edition.newsletter_id, NEW.subscriber_id, edition.id, NEW.id)
    FROM editions_edition AS edition WHERE edition.id = NEW.edition_id;
    RETURN NULL;
END $$;
CREATE TRIGGER api_tell_bounce AFTER UPDATE OF state ON delivery_delivery
    FOR EACH ROW WHEN (NEW.state = 4 AND OLD.state <> 4 AND NEW.reply_code IS NOT NULL
        AND NEW.subscriber_id IS NOT NULL)
    EXECUTE FUNCTION api_tell_bounce();
"""
NO_TRIGGERS = """
DROP TRIGGER api_tell_consent ON subscribers_consentevent;
DROP TRIGGER api_tell_edition ON editions_edition;
DROP TRIGGER api_tell_bounce ON delivery_delivery;
DROP FUNCTION api_tell_consent();
DROP FUNCTION api_tell_edition();
DROP FUNCTION api_tell_bounce();
DROP FUNCTION api_lay_word(text, timestamptz, bigint, bigint, bigint, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
        ("delivery", "0007_tally_at"),
        ("editions", "0003_cadences_and_topics"),
        ("subscribers", "0003_readers_choices"),
    ]

    operations = [migrations.RunSQL(TRIGGERS, NO_TRIGGERS)]
