-- Current and past deliveries in one view. Both arms are plain selections with the same types, so
-- conditions, order and LIMIT reach their indexes. `archived` says which table a row is in: with a
-- condition on it only one arm is read, in the order of its own index.

-- up
CREATE VIEW sending_anydelivery AS
SELECT id, issue_id, subscriber_id, false AS archived, coalesce(settled_at, due_at) AS at, state,
    attempts, reply_code, reply
FROM sending_delivery
UNION ALL
SELECT id, issue_id, subscriber_id, true, at, state, attempts, reply_code, reply
FROM sending_pastdelivery;

-- One delivery for each issue and subscriber, across both tables: none can be added to an issue that
-- has past deliveries. ORDER BY makes it one look into the primary key, whatever the optimizer
-- estimates.
CREATE FUNCTION sending_refuse_past() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    planned bigint;
BEGIN
    FOR planned IN SELECT DISTINCT issue_id FROM after_rows LOOP
        PERFORM FROM sending_pastdelivery WHERE issue_id = planned
            ORDER BY issue_id, id LIMIT 1;
        IF FOUND THEN
            RAISE unique_violation USING CONSTRAINT = 'past_delivery_once',
                MESSAGE = format('issue %s is archived, deliveries cannot be added to it', planned);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER sending_refuse_past AFTER INSERT ON sending_delivery
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sending_refuse_past();

-- Past deliveries go after their time, issue by issue, never all at once.
CREATE FUNCTION sending_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER past_delivery_no_truncate BEFORE TRUNCATE ON sending_pastdelivery
    FOR EACH STATEMENT EXECUTE FUNCTION sending_refuse_truncate();

-- Each delivery is updated twice while it is sent, and removed once.
ALTER TABLE sending_delivery SET (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0.05);

-- down
ALTER TABLE sending_delivery RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_analyze_scale_factor);
DROP TRIGGER past_delivery_no_truncate ON sending_pastdelivery;
DROP FUNCTION sending_refuse_truncate();
DROP TRIGGER sending_refuse_past ON sending_delivery;
DROP FUNCTION sending_refuse_past();
DROP VIEW sending_anydelivery;
