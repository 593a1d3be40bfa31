-- Each statement that changes deliveries records by how much their numbers changed. A session that
-- moves deliveries to the past ones (digest.sending.archiving) sets digest.archiving, and the numbers stay.
-- Those sent (3) without a capped appeal are counted for each appeal, where there are any.

-- up
CREATE FUNCTION sending_record_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('digest.archiving', true) = 'on' THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, state, count(*) FROM after_rows GROUP BY issue_id, state;
        IF EXISTS (SELECT FROM after_rows WHERE without_appeals IS NOT NULL) THEN
            INSERT INTO sending_appealtally (issue_id, appeal_id, deliveries)
            SELECT issue_id, appeal_id, count(*) FROM after_rows, unnest(without_appeals) AS appeal_id
            WHERE state = 3 GROUP BY issue_id, appeal_id;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, state, -count(*) FROM before_rows GROUP BY issue_id, state;
        IF EXISTS (SELECT FROM before_rows WHERE without_appeals IS NOT NULL) THEN
            INSERT INTO sending_appealtally (issue_id, appeal_id, deliveries)
            SELECT issue_id, appeal_id, -count(*) FROM before_rows, unnest(without_appeals) AS appeal_id
            WHERE state = 3 GROUP BY issue_id, appeal_id;
        END IF;
    ELSE
        INSERT INTO sending_tally (issue_id, state, deliveries)
        SELECT issue_id, state, sum(change) FROM (
            SELECT issue_id, state, count(*) AS change FROM after_rows GROUP BY issue_id, state
            UNION ALL
            SELECT issue_id, state, -count(*) FROM before_rows GROUP BY issue_id, state
        ) AS changes
        GROUP BY issue_id, state HAVING sum(change) <> 0;
        IF EXISTS (SELECT FROM after_rows WHERE without_appeals IS NOT NULL) THEN
            INSERT INTO sending_appealtally (issue_id, appeal_id, deliveries)
            SELECT issue_id, appeal_id, sum(change) FROM (
                SELECT issue_id, 1 AS change, without_appeals FROM after_rows WHERE state = 3
                UNION ALL
                SELECT issue_id, -1, without_appeals FROM before_rows WHERE state = 3
            ) AS changes, unnest(without_appeals) AS appeal_id
            GROUP BY issue_id, appeal_id HAVING sum(change) <> 0;
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- down
DROP FUNCTION sending_record_tally();
