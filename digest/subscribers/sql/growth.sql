-- Each statement that adds consent events also adds to growth, which knows where subscribers signed
-- up, and to cohorts, which know when those who left had joined. A statement that imports many reads
-- no other row; confirmations and departures look up their own events.

-- up
CREATE FUNCTION subscribers_source_of(
    of_subscriber bigint, of_newsletter bigint, event bigint, event_action text, event_via text
) RETURNS text LANGUAGE sql STABLE AS $$
    -- Materialized, or the newest rows of the whole table would be searched.
    WITH own AS MATERIALIZED (
        SELECT earlier.id, earlier.action, earlier.via FROM subscribers_consentevent AS earlier
        WHERE event_action = 'confirmed' AND earlier.subscriber_id = of_subscriber
            AND earlier.newsletter_id = of_newsletter AND earlier.id < event
    ), previous AS (SELECT own.action, own.via FROM own ORDER BY own.id DESC LIMIT 1)
    SELECT coalesce((SELECT previous.via FROM previous WHERE previous.action = 'requested'), event_via)
$$;

CREATE FUNCTION subscribers_joined_by(
    of_subscriber bigint, of_newsletter bigint, before bigint,
    OUT source text, OUT month date
) LANGUAGE sql STABLE AS $$
    WITH own AS MATERIALIZED (
        SELECT earlier.* FROM subscribers_consentevent AS earlier
        WHERE earlier.subscriber_id = of_subscriber AND earlier.newsletter_id = of_newsletter
            AND earlier.id < before AND earlier.action IN ('confirmed', 'imported')
    )
    SELECT subscribers_source_of(of_subscriber, of_newsletter, own.id, own.action, own.via),
        date_trunc('month', own.at AT TIME ZONE 'UTC')::date
    FROM own ORDER BY own.id DESC LIMIT 1
$$;

-- Who has asked and never confirmed has not joined, so they do not leave.
CREATE FUNCTION subscribers_only_asked(of_subscriber bigint, of_newsletter bigint, before bigint)
RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH own AS MATERIALIZED (
        SELECT earlier.action FROM subscribers_consentevent AS earlier
        WHERE earlier.subscriber_id = of_subscriber AND earlier.newsletter_id = of_newsletter
            AND earlier.id < before
    )
    SELECT count(*) > 0 AND bool_and(own.action = 'requested') FROM own
$$;

CREATE FUNCTION subscribers_left_on(of_subscriber bigint, of_newsletter bigint, before bigint)
RETURNS date LANGUAGE sql STABLE AS $$
    WITH own AS MATERIALIZED (
        SELECT earlier.id, earlier.at FROM subscribers_consentevent AS earlier
        WHERE earlier.subscriber_id = of_subscriber AND earlier.newsletter_id = of_newsletter
            AND earlier.id < before AND earlier.action = 'unsubscribed'
    )
    SELECT (own.at AT TIME ZONE 'UTC')::date FROM own ORDER BY own.id DESC LIMIT 1
$$;

CREATE FUNCTION subscribers_add_departures(happened date, of_newsletter bigint, of_source text,
    of_month date, number bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO subscribers_growth (day, newsletter_id, source, joined, "left")
    VALUES (happened, of_newsletter, coalesce(of_source, ''), 0, number);
    INSERT INTO subscribers_cohort (newsletter_id, joined, "left", subscribers)
    SELECT of_newsletter, of_month, date_trunc('month', happened)::date, number
    WHERE of_month IS NOT NULL;
$$;

CREATE FUNCTION subscribers_add_growth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH joins AS (
        SELECT (event.at AT TIME ZONE 'UTC')::date AS day, event.newsletter_id,
            CASE event.action WHEN 'imported' THEN event.via
                ELSE subscribers_source_of(event.subscriber_id, event.newsletter_id, event.id,
                    event.action, event.via) END AS source,
            count(*) AS number
        FROM after_rows AS event WHERE event.action IN ('confirmed', 'imported') GROUP BY 1, 2, 3
    ), cohorts AS (
        INSERT INTO subscribers_cohort (newsletter_id, joined, subscribers)
        SELECT newsletter_id, date_trunc('month', day)::date, sum(number) FROM joins GROUP BY 1, 2
    )
    INSERT INTO subscribers_growth (day, newsletter_id, source, joined, "left")
    SELECT day, newsletter_id, source, number, 0 FROM joins;

    PERFORM subscribers_add_departures((event.at AT TIME ZONE 'UTC')::date, event.newsletter_id,
        joining.source, joining.month, 1)
    FROM after_rows AS event LEFT JOIN LATERAL subscribers_joined_by(
        event.subscriber_id, event.newsletter_id, event.id) AS joining ON true
    WHERE event.action = 'unsubscribed' AND NOT coalesce(subscribers_only_asked(
        event.subscriber_id, event.newsletter_id, event.id), false);

    -- An editor's removal that was undone: nobody left on that day.
    PERFORM subscribers_add_departures(
        subscribers_left_on(event.subscriber_id, event.newsletter_id, event.id),
        event.newsletter_id, joining.source, joining.month, -1)
    FROM after_rows AS event LEFT JOIN LATERAL subscribers_joined_by(
        event.subscriber_id, event.newsletter_id, event.id) AS joining ON true
    WHERE event.action = 'restored';
    RETURN NULL;
END $$;

CREATE TRIGGER subscribers_growth AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_add_growth();

-- A subscription that is deleted while it is active: its subscriber is erased.
CREATE FUNCTION subscribers_on_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM subscribers_add_departures((now() AT TIME ZONE 'UTC')::date, OLD.newsletter_id,
        joining.source,
        coalesce(joining.month, date_trunc('month', OLD.confirmed_at AT TIME ZONE 'UTC')::date), 1)
    FROM (SELECT 1) AS always LEFT JOIN LATERAL subscribers_joined_by(
        OLD.subscriber_id, OLD.newsletter_id, 9223372036854775807) AS joining ON true;
    RETURN NULL;
END $$;
CREATE TRIGGER subscribers_growth_on_deletion AFTER DELETE ON subscribers_subscription
    FOR EACH ROW WHEN (OLD.state = 'active') EXECUTE FUNCTION subscribers_on_deletion();

-- down
DROP TRIGGER subscribers_growth_on_deletion ON subscribers_subscription;
DROP FUNCTION subscribers_on_deletion();
DROP TRIGGER subscribers_growth ON subscribers_consentevent;
DROP FUNCTION subscribers_add_growth();
DROP FUNCTION subscribers_add_departures(date, bigint, text, date, bigint);
DROP FUNCTION subscribers_only_asked(bigint, bigint, bigint);
DROP FUNCTION subscribers_left_on(bigint, bigint, bigint);
DROP FUNCTION subscribers_joined_by(bigint, bigint, bigint);
DROP FUNCTION subscribers_source_of(bigint, bigint, bigint, text, text);
