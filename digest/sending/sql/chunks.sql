-- Chunks of deliveries that have not been tried, and those that went well at once.

-- up
-- A number of this sequence is the first of a block: a chunk's deliveries have those that follow.
ALTER SEQUENCE sending_delivery_id_seq INCREMENT BY 500;

-- The tally (tally.sql) counts them as it counts rows of their own.
CREATE FUNCTION sending_record_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, (fence IS NOT NULL)::int, sum(size) FROM after_rows GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, (fence IS NOT NULL)::int, -sum(size) FROM before_rows GROUP BY 1, 2;
    ELSE
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, state, sum(change) FROM (
            SELECT issue_id, (fence IS NOT NULL)::int AS state, size AS change FROM after_rows
            UNION ALL
            SELECT issue_id, (fence IS NOT NULL)::int, -size FROM before_rows
        ) AS changes
        GROUP BY issue_id, state HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION sending_record_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, 3, count(*) FROM after_rows GROUP BY issue_id;
    ELSIF current_setting('digest.archiving', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, 3, -count(*) FROM before_rows GROUP BY issue_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sending_sent_insert AFTER INSERT ON sending_sentdelivery
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sending_record_sent();
CREATE TRIGGER sending_sent_delete AFTER DELETE ON sending_sentdelivery
    REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sending_record_sent();

-- An archived issue gets no chunks either. Its past deliveries are looked for as in past_deliveries.sql.
CREATE FUNCTION sending_refuse_past_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM sending_pastdelivery WHERE issue_id = NEW.issue_id ORDER BY issue_id, id LIMIT 1;
    IF FOUND THEN
        RAISE unique_violation USING CONSTRAINT = 'past_delivery_once',
            MESSAGE = format('issue %s is archived, deliveries cannot be added to it', NEW.issue_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sending_refuse_past_chunk AFTER INSERT ON sending_chunk
    FOR EACH ROW EXECUTE FUNCTION sending_refuse_past_chunk();

-- Whoever deletes a subscriber leaves anonymous rows behind, without replies, which quote addresses.
-- From issue to issue, as the index begins with them.
CREATE FUNCTION sending_forget_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH removed AS (
        DELETE FROM sending_sentdelivery
        WHERE subscriber_id = OLD.id AND issue_id IN (SELECT id FROM issues_issue)
        RETURNING id, issue_id, at, reply_code
    )
    INSERT INTO sending_delivery (id, issue_id, state, due_at, attempts, first_attempt_at,
        times_uncertain, settled_at, reply_code, reply)
    SELECT id, issue_id, 3, at, 1, at, 0, at, reply_code, '' FROM removed;
    RETURN NULL;
END $$;
CREATE TRIGGER sending_forget_sent AFTER DELETE ON subscribers_subscriber
    FOR EACH ROW EXECUTE FUNCTION sending_forget_sent();

-- A chunk lives for minutes and is replaced a few times: a small table that must stay small. Sent
-- deliveries are only appended; what they need is that their pages are marked visible.
ALTER TABLE sending_chunk SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
ALTER TABLE sending_sentdelivery SET (autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);

-- down
DROP TRIGGER sending_forget_sent ON subscribers_subscriber;
DROP FUNCTION sending_forget_sent();
DROP TRIGGER sending_refuse_past_chunk ON sending_chunk;
DROP TRIGGER sending_sent_insert ON sending_sentdelivery;
DROP TRIGGER sending_sent_delete ON sending_sentdelivery;
DROP FUNCTION sending_refuse_past_chunk();
DROP FUNCTION sending_record_sent();
DROP FUNCTION sending_record_chunks();
ALTER SEQUENCE sending_delivery_id_seq INCREMENT BY 1;
