-- Who pays may subscribe later, in any way: whoever confirms a subscription of the publication gets
-- the tier that waits with their address, in the transaction that records the consent. So the very
-- first mail is of the right tier. Without customers who wait this is one look at a small index.

-- up
CREATE INDEX customer_waits ON entitlements_customer (account_id, address_key)
    WHERE subscriber_id IS NULL AND address_key <> '';
CREATE FUNCTION entitlements_on_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Events of Stripe lock the account, too, so neither misses what the other is about to commit.
    PERFORM FROM entitlements_stripeaccount WHERE publication_id IN (
        SELECT newsletter.publication_id FROM after_rows AS event
        JOIN newsletters_newsletter AS newsletter ON newsletter.id = event.newsletter_id
        WHERE event.action IN ('confirmed', 'imported', 'restored')
    ) ORDER BY id FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (
        SELECT FROM entitlements_customer WHERE subscriber_id IS NULL AND address_key <> ''
    ) THEN
        RETURN NULL;
    END IF;
    WITH consenting AS (
        SELECT DISTINCT subscriber.id, subscriber.address_key, newsletter.publication_id
        FROM after_rows AS event
        JOIN subscribers_subscriber AS subscriber ON subscriber.id = event.subscriber_id
        JOIN newsletters_newsletter AS newsletter ON newsletter.id = event.newsletter_id
        WHERE event.action IN ('confirmed', 'imported', 'restored')
    ), matched AS (
        UPDATE entitlements_customer AS customer SET subscriber_id = consenting.id
        FROM consenting
        JOIN entitlements_stripeaccount AS account
            ON account.publication_id = consenting.publication_id
        WHERE customer.account_id = account.id AND customer.subscriber_id IS NULL
            AND customer.address_key = consenting.address_key AND customer.address_key <> ''
        RETURNING consenting.id, consenting.publication_id, customer.tier, account.id AS account_id,
            account.attribute_id
    ), claim AS (
        SELECT DISTINCT ON (matched.id, matched.publication_id) matched.*,
            attribute.key, attribute.choices,
            COALESCE(profile.attributes ->> attribute.key, '') AS present
        FROM matched JOIN newsletters_attribute AS attribute ON attribute.id = matched.attribute_id
        LEFT JOIN subscribers_profile AS profile ON profile.subscriber_id = matched.id
            AND profile.publication_id = matched.publication_id
        WHERE matched.tier <> ''
    ), due AS (
        -- As in granting.py: a higher tier from elsewhere stays.
        SELECT * FROM claim
        WHERE COALESCE(array_position(choices, present::varchar), 0)
            <= COALESCE(array_position(choices, tier), 0)
    ), granted AS (
        INSERT INTO entitlements_grant (account_id, subscriber_id, tier, former_tier)
        SELECT account_id, id, tier, CASE WHEN present = tier THEN '' ELSE present END FROM due
        ON CONFLICT (account_id, subscriber_id) DO UPDATE SET tier = excluded.tier
    )
    INSERT INTO subscribers_profile AS profile (subscriber_id, publication_id, attributes)
    SELECT id, publication_id, jsonb_build_object(key, tier) FROM due
    ON CONFLICT (subscriber_id, publication_id) DO UPDATE
    SET attributes = profile.attributes || excluded.attributes;
    RETURN NULL;
END $$;
CREATE TRIGGER entitlements_on_consent AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION entitlements_on_consent();

-- down
DROP TRIGGER entitlements_on_consent ON subscribers_consentevent;
DROP FUNCTION entitlements_on_consent();
DROP INDEX customer_waits;
