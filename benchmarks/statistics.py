"""Pages of statistics with 1,000 subscribers and 50,000 hits, and with 1,000 times as many.

Both in one run, through Django's whole stack and a real PostgreSQL; each page is asked for in turns
with the others, medians of many. Hits are generated as the totals that they leave behind, and the
newest million of them raw as well (`raw_hits` has all of them). DIGEST_SUBSCRIBERS sets the larger
number (1,000,000).
"""

from datetime import timedelta
from typing import Any

from benchmarks._pages import FEW, MANY, Pages, editor, fetch, make_subscribers, run, set_up, visits
from benchmarks._sides import Works, compare_sizes

HITS = 50  # for each subscriber
ISSUES, STORIES, HOURS = 120, 20, 96
RAW = 1_000_000  # at most


def main() -> None:
    """Time the pages at both sizes and print the ratios."""
    set_up()
    compare_sizes(_fill, FEW, MANY)


def _fill(subscribers: int) -> Works:
    pages = fill(subscribers)
    _make_raw(min(subscribers * HITS, RAW))
    run("VACUUM ANALYZE")
    print(f"{subscribers:,} subscribers, {subscribers * HITS:,} hits")
    print_sizes()
    return visits(pages)


def fill(subscribers: int) -> Pages:
    """Make subscribers, issues and totals in an empty database; return its pages."""
    from digest.core import clock
    from digest.issues.models import Issue
    from digest.subscribers import growth
    from tests.cast import make_appeal, make_block, make_newsletter, make_publication

    newsletter = make_newsletter(publication=make_publication(tracking="individual"))
    sponsor = make_appeal(newsletter.publication, kind="sponsor", cap=9)
    _make_subscribers(subscribers, newsletter.pk)
    now = clock.now()
    issues = []
    for number in range(ISSUES):
        issue = _make_issue(newsletter, now - timedelta(days=ISSUES - number, hours=3), number)
        block = make_block(issue, "sponsor", appeal=sponsor)
        issue.links.create(
            block=block, appeal_id=sponsor.pk, url=sponsor.url, position=issue.links.count()
        )
        issues.append(issue.pk)
    _make_totals(subscribers)
    _make_results(subscribers)
    growth.compact()  # as the job does every ten minutes
    run("VACUUM ANALYZE")
    last, client = Issue.objects.get(pk=issues[-1]), editor()
    addresses = {
        "Home": "/admin/",
        "issue": f"/admin/issues/{last.pk}/",
        "issue, results": f"/admin/issues/{last.pk}/results/",
        "issue, statistics": f"/admin/issues/{last.pk}/statistics/",
        "issue, map of the mail": f"/admin/issues/{last.pk}/statistics/map/html/",
        "issue, links as CSV": f"/admin/issues/{last.pk}/statistics/?csv=links",
        "newsletter, 90 days": f"/admin/statistics/newsletter/{newsletter.pk}/",
        "newsletter, a year": f"/admin/statistics/newsletter/{newsletter.pk}/?days=365",
        "publications, 30 days": "/admin/statistics/",
        "publications, a year": "/admin/statistics/?days=365",
        "deliverability, 90 days": "/admin/deliverability/?days=90",
        "deliverability, one domain": "/admin/deliverability/at/d1.example/?days=90",
        "sponsor": f"/admin/statistics/appeal/{sponsor.pk}/",
    }
    return {name: (client, address) for name, address in addresses.items()}


def _make_issue(newsletter: Any, at: Any, number: int) -> Any:
    from digest.issues.models import Issue, Story, TrackedLink
    from tests.cast import make_block, make_issue

    issue = make_issue(
        newsletter,
        slot=at,
        state=Issue.State.SENT,
        subject=f"No. {number}",
        planned_at=at,
        finished_at=at,
    )
    block = make_block(issue, title="Latest stories")
    stories = Story.objects.bulk_create(
        Story(
            issue=issue,
            block=block,
            position=rank,
            revision=1,
            reason="latest",
            url=f"https://courier.example/{number}/{rank}",
            title=f"Story {rank}",
            topics=[f"topic {rank % 7}"],
        )
        for rank in range(STORIES)
    )
    TrackedLink.objects.bulk_create(
        TrackedLink(issue=issue, block=block, story=row, position=row.position, url=row.url)
        for row in stories
    )
    return issue


def _make_subscribers(subscribers: int, newsletter: int) -> None:
    """Who joined within a year by four ways, one in ten of whom has left."""
    make_subscribers(subscribers, newsletter)
    event = (
        "INSERT INTO subscribers_consentevent (subscriber_id, newsletter_id, action, at, via,"
        " wording, wording_version) SELECT id, %s, {}, '', '' FROM subscribers_subscriber"
    )
    via = "(ARRAY['page', 'script', 'mail', 'import'])[1 + id %% 4]"
    run(event.format(f"'imported', now() - id %% 365 * interval '1 day', {via}"), newsletter)
    run(
        event.format("'unsubscribed', now() - id %% 90 * interval '1 day', 'page'")
        + " WHERE id %% 10 = 0",
        newsletter,
    )


def _make_totals(subscribers: int) -> None:
    """Clicks over links and hours, few in late hours; of small lists most hours have none."""
    hits = subscribers * HITS // ISSUES
    run(
        "INSERT INTO analytics_linkhour (issue_id, link_id, hour, clicks, unique_clicks,"
        " clickers, machine_clicks, uncertain_clicks)"
        " SELECT link.issue_id, link.id, date_trunc('hour', issue.slot) + n * interval '1 hour',"
        " counted.number, counted.number * 9 / 10, counted.number * 7 / 10,"
        " counted.number * 2, 0"
        " FROM issues_trackedlink AS link JOIN issues_issue AS issue ON issue.id = link.issue_id,"
        " generate_series(0, %s) AS n, LATERAL (SELECT floor(%s::float / (link.position + 3)"
        " / (n + 2) / 50 + random())::bigint AS number) AS counted WHERE counted.number > 0",
        HOURS - 1,
        hits,
    )
    run(
        "INSERT INTO analytics_issuetotals (issue_id, clicks, unique_clickers, machine_clicks,"
        " uncertain_clicks, opens, uncertain_opens, machine_opens, changed_at)"
        " SELECT issue_id, sum(clicks), sum(clickers), sum(machine_clicks), 0, 0, 0, 0,"
        " now() FROM analytics_linkhour GROUP BY issue_id"
    )
    run(
        "INSERT INTO sending_tally (issue_id, state, deliveries, at) SELECT id, states.state,"
        " CASE states.state WHEN 3 THEN %s ELSE %s / 100 END, now() FROM issues_issue,"
        " (VALUES (3), (4)) AS states (state)",
        subscribers,
        subscribers,
    )
    run(
        "INSERT INTO sending_appealtally (issue_id, appeal_id, deliveries)"
        " SELECT issue_id, appeal_id, %s / 100 FROM issues_trackedlink, generate_series(1, 40) AS n"
        " WHERE appeal_id IS NOT NULL",
        subscribers,
    )
    run(
        "INSERT INTO analytics_issueoutcome (issue_id, kind, number)"
        " SELECT id, kinds.kind, %s / 1000 FROM issues_issue,"
        " generate_series(1, 3) AS kinds (kind), generate_series(1, 15) AS n",
        subscribers,
    )


def _make_results(subscribers: int) -> None:
    """Make results of each issue at sixty domains, and one bounce in a thousand mails."""
    run(
        "INSERT INTO bounces_domainresult (issue_id, domain, sent, waiting, deferred, refused,"
        " bounced, complaints, clickers, counted_at) SELECT id, 'd' || n || '.example', %s / n / 5,"
        " 0, %s / n / 200, %s / n / 500, %s / n / 5000, 0, %s / n / 50, now()"
        " FROM issues_issue, generate_series(1, 60) AS n",
        *[subscribers] * 5,
    )
    run(
        "INSERT INTO bounces_bounce (subscriber_id, issue_id, is_complaint, consequence, reason,"
        " source, domain, recipient, status, code, text, reporter, suppressed, at)"
        " SELECT subscriber.id, issue.id, false, 'soft', 'mailboxfull', 'report',"
        " 'd' || 1 + subscriber.id %% 60 || '.example', '', '5.2.2', 552, 'mailbox full', '',"
        " false, now() FROM issues_issue AS issue, subscribers_subscriber AS subscriber"
        " WHERE (subscriber.id + issue.id) %% 1000 = 0"
    )


def _make_raw(hits: int) -> None:
    run(
        "INSERT INTO analytics_hit (at, issue_id, link_id, kind, visitor, network, agent, verdict,"
        " reasons) SELECT now() - n * interval '1 ms', (SELECT max(id) FROM issues_issue), n %% 20,"
        " 1, n / 5, '192.0.2.0/24', 'chrome', 1 + n %% 3, 0 FROM generate_series(1, %s) AS n",
        hits,
    )


def print_sizes() -> None:
    """Print rows and megabytes of the large tables."""
    rows = fetch(
        "SELECT relname, reltuples::bigint, pg_total_relation_size(oid) / 1000000 FROM pg_class"
        " WHERE relname IN ('analytics_hit', 'analytics_linkhour', 'subscribers_growth',"
        " 'subscribers_cohort', 'subscribers_consentevent') ORDER BY relname"
    )
    for name, size, megabytes in rows:
        print(f"  {name:<28}{size:>12,} rows {megabytes:>7,} MB")


if __name__ == "__main__":
    main()
