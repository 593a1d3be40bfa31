-- Who unsubscribes by the link of a mail is counted for its issue.

-- up
CREATE FUNCTION analytics_on_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_issueoutcome (issue_id, kind, number)
    SELECT issue_id, 1, count(*) FROM after_rows
    WHERE action = 'unsubscribed' AND issue_id IS NOT NULL GROUP BY issue_id;
    RETURN NULL;
END $$;
CREATE TRIGGER analytics_outcomes AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION analytics_on_consent();

-- down
DROP TRIGGER analytics_outcomes ON subscribers_consentevent;
DROP FUNCTION analytics_on_consent();
