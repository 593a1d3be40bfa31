-- What comes back is counted for its issue. A refusal while sending (smtp) is counted as failed already.

-- up
CREATE FUNCTION bounces_on_bounce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO analytics_issueoutcome (issue_id, kind, number)
    SELECT issue_id, CASE WHEN is_complaint THEN 3 ELSE 2 END, count(*) FROM after_rows
    WHERE issue_id IS NOT NULL AND (is_complaint OR source <> 'smtp') GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE TRIGGER bounces_outcomes AFTER INSERT ON bounces_bounce
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION bounces_on_bounce();

-- down
DROP TRIGGER bounces_outcomes ON bounces_bounce;
DROP FUNCTION bounces_on_bounce();
