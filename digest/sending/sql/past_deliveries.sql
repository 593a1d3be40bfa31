-- Deliveries in one view, wherever they are. Its arms are plain selections with the same types, so
-- conditions, order and LIMIT reach their indexes. `archived` and `waiting` say which table a row is
-- in: with a condition on one of them, or on the state of what was sent, only some arms are read. The
-- last arm is for one subscriber; of a whole issue, digest.sending.history reads chunks themselves.

-- up
CREATE VIEW sending_anydelivery AS
SELECT id, issue_id, subscriber_id, false AS archived, false AS waiting,
    coalesce(settled_at, due_at) AS at, state, attempts, reply_code, reply
FROM sending_delivery
UNION ALL
SELECT id, issue_id, subscriber_id, false, false, at, 3::smallint, 1::smallint, reply_code, reply
FROM sending_sentdelivery
UNION ALL
SELECT id, issue_id, subscriber_id, true, false, at, state, attempts, reply_code, reply
FROM sending_pastdelivery
UNION ALL
SELECT chunk.first_id + array_position(chunk.subscriber_ids, subscriber.id) - 1, chunk.issue_id,
    subscriber.id, false, true, chunk.due_at, CASE WHEN chunk.fence IS NULL THEN 0 ELSE 1 END::smallint,
    0::smallint, NULL, ''
FROM subscribers_subscriber AS subscriber
JOIN sending_chunk AS chunk ON subscriber.id BETWEEN chunk.lowest AND chunk.highest
    AND subscriber.id = ANY (chunk.subscriber_ids);

-- One delivery for each issue and subscriber, here and among current ones: none can be added to an issue that
-- has past deliveries, unless it is nobody's. ORDER BY makes it one look into the primary key, whatever
-- the optimizer estimates.
CREATE FUNCTION sending_refuse_past() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    planned bigint;
BEGIN
    FOR planned IN SELECT DISTINCT issue_id FROM after_rows WHERE subscriber_id IS NOT NULL LOOP
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

-- Of an issue in trouble, each delivery is updated twice, and removed once.
ALTER TABLE sending_delivery SET (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0.05);

-- down
ALTER TABLE sending_delivery RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_analyze_scale_factor);
DROP TRIGGER sending_refuse_past ON sending_delivery;
DROP FUNCTION sending_refuse_past();
DROP VIEW sending_anydelivery;
