-- Totals of links follow their hours, whoever writes these and however. Rows are taken in the order of
-- their ids, so that two writers cannot wait for each other.

-- up
CREATE FUNCTION analytics_add_link_totals(
    of_link bigint, of_issue bigint, human numeric, first numeric, machine numeric, unclear numeric
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO analytics_linktotals AS totals (link_id, issue_id, clicks, unique_clicks,
        machine_clicks, uncertain_clicks)
    VALUES (of_link, of_issue, human, first, machine, unclear)
    ON CONFLICT (link_id) DO UPDATE SET clicks = totals.clicks + excluded.clicks,
        unique_clicks = totals.unique_clicks + excluded.unique_clicks,
        machine_clicks = totals.machine_clicks + excluded.machine_clicks,
        uncertain_clicks = totals.uncertain_clicks + excluded.uncertain_clicks
$$;

CREATE FUNCTION analytics_on_link_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM analytics_add_link_totals(link_id, issue_id, human, first, machine, unclear)
        FROM (SELECT link_id, issue_id, sum(clicks) AS human, sum(unique_clicks) AS first,
                sum(machine_clicks) AS machine, sum(uncertain_clicks) AS unclear
            FROM after_rows GROUP BY 1, 2 ORDER BY 1) AS sums;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM analytics_add_link_totals(link_id, issue_id, -human, -first, -machine, -unclear)
        FROM (SELECT link_id, issue_id, sum(clicks) AS human, sum(unique_clicks) AS first,
                sum(machine_clicks) AS machine, sum(uncertain_clicks) AS unclear
            FROM before_rows GROUP BY 1, 2 ORDER BY 1) AS sums;
    ELSE
        PERFORM analytics_add_link_totals(link_id, issue_id, human, first, machine, unclear)
        FROM (SELECT link_id, issue_id, sum(clicks) AS human, sum(unique_clicks) AS first,
                sum(machine_clicks) AS machine, sum(uncertain_clicks) AS unclear
            FROM (SELECT link_id, issue_id, clicks, unique_clicks, machine_clicks,
                    uncertain_clicks FROM after_rows
                UNION ALL SELECT link_id, issue_id, -clicks, -unique_clicks, -machine_clicks,
                    -uncertain_clicks FROM before_rows) AS changes
            GROUP BY 1, 2 ORDER BY 1) AS sums;
    END IF;
    RETURN NULL;
END $$;

INSERT INTO analytics_linktotals (link_id, issue_id, clicks, unique_clicks, machine_clicks,
    uncertain_clicks)
SELECT link_id, issue_id, sum(clicks), sum(unique_clicks), sum(machine_clicks),
    sum(uncertain_clicks) FROM analytics_linkhour GROUP BY 1, 2;

-- down
DROP FUNCTION analytics_on_link_hours();
DROP FUNCTION analytics_add_link_totals(bigint, bigint, numeric, numeric, numeric, numeric);
