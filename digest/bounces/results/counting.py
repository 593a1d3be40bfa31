"""Counts the results of issues by recipient domain: often at first, then less and less often.

An issue is counted every few minutes while it goes out, and for a week after that, at intervals
that grow with its age: bounces and clicks come later than replies. It takes one pass over its
deliveries.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Max, Q, When

from digest.bounces.models import DomainResult
from digest.core.database.statements import fetch_rows
from digest.issues.models import Issue
from digest.newsletters.models import Tracking
from digest.reputation.recipients.providers import consumer_domains
from digest.sending.models import PastDelivery

MOST_DOMAINS = 60  # of an issue; the others are one row
RECENT = timedelta(days=7)
AGE_SHARE = 8  # an issue is counted again after an eighth of its age


def count_recent(now: datetime) -> list[int]:
    """Count the results of recent issues that are due; return their ids."""
    going_out = Q(state__in=[Issue.State.SENDING, Issue.State.PAUSED], planned_at__isnull=False)
    finished = Q(state=Issue.State.SENT, finished_at__gt=now - RECENT)
    issues = Issue.objects.filter(going_out | finished)
    # A mail that stands open is counted like one that is over: it may stand for a month.
    begun_at = Case(When(stands_open=True, then=F("planned_at")), default=F("finished_at"))
    counted = issues.annotate(counted_at=Max("domain_results__counted_at"), ended_at=begun_at)
    due = [
        pk
        for pk, finished_at, counted_at in counted.values_list("pk", "ended_at", "counted_at")
        if is_due(finished_at, counted_at, now)
    ]
    for issue_id in due:
        count_issue(issue_id, now)
    return due


def is_due(finished_at: datetime | None, counted_at: datetime | None, now: datetime) -> bool:
    """Return whether an issue is to be counted again. Pure."""
    if finished_at is None or counted_at is None:
        return True
    return now - counted_at >= (now - finished_at) / AGE_SHARE


@transaction.atomic
def count_issue(issue_id: int, now: datetime) -> None:
    """Count an issue's current deliveries by domain, and replace what was counted before.

    What was counted stays where deliveries are archived already: those that remain say too little.
    """
    if PastDelivery.objects.filter(issue=issue_id).exists():
        return
    rows = fetch_rows(
        _COUNT,
        {
            "issue": issue_id,
            "most": MOST_DOMAINS,
            "consumer": sorted(consumer_domains()),
            "individual": Tracking.INDIVIDUAL.value,
        },
    )
    if not rows:  # nothing is sent yet
        return
    names = ("domain", "sent", "waiting", "deferred", "refused", "bounced", "complaints")
    DomainResult.objects.filter(issue=issue_id).delete()
    DomainResult.objects.bulk_create(
        DomainResult(
            issue_id=issue_id,
            counted_at=now,
            **dict(zip((*names, "clickers"), row, strict=True)),
        )
        for row in rows
    )


# Bounces and clicks of an issue are few beside its deliveries. The domains of large providers have
# rows of their own, however few subscribers they have: a drop there matters.
_COUNT = """
WITH delivered AS (
    SELECT split_part(subscriber.address_key, '@', -1) AS domain,
        count(*) FILTER (WHERE delivery.state = 3) AS sent,
        count(*) FILTER (WHERE delivery.state = 2) AS waiting,
        count(*) FILTER (WHERE delivery.state = 2 OR delivery.state = 3 AND delivery.attempts > 1)
            AS deferred,
        count(*) FILTER (WHERE delivery.state = 4) AS refused
    FROM (
        SELECT issue_id, subscriber_id, state, attempts FROM sending_delivery
        WHERE state IN (2, 3, 4)
        UNION ALL
        SELECT issue_id, subscriber_id, 3, 1 FROM sending_sentdelivery
    ) AS delivery
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = delivery.subscriber_id
    WHERE delivery.issue_id = %(issue)s
    GROUP BY 1
), returned AS (
    SELECT domain, count(*) FILTER (WHERE NOT is_complaint AND source <> 'smtp') AS bounced,
        count(*) FILTER (WHERE is_complaint) AS complaints
    FROM bounces_bounce WHERE issue_id = %(issue)s GROUP BY 1
), clicked AS (
    SELECT split_part(subscriber.address_key, '@', -1) AS domain,
        count(DISTINCT hit.subscriber_id) AS clickers
    FROM analytics_hit AS hit
    JOIN subscribers_subscriber AS subscriber ON subscriber.id = hit.subscriber_id
    WHERE hit.issue_id = %(issue)s AND hit.kind = 1 AND hit.verdict = 1 GROUP BY 1
), ranked AS (
    SELECT *, row_number() OVER (
        ORDER BY domain = ANY(%(consumer)s) DESC, sent + waiting + refused DESC, domain) AS place
    FROM delivered
)
SELECT CASE WHEN place <= %(most)s THEN domain ELSE '' END, sum(sent), sum(waiting), sum(deferred),
    sum(refused), coalesce(sum(bounced), 0), coalesce(sum(complaints), 0),
    CASE WHEN (SELECT publication.tracking = %(individual)s FROM issues_issue AS issue
        JOIN newsletters_newsletter AS newsletter ON newsletter.id = issue.newsletter_id
        JOIN newsletters_publication AS publication ON publication.id = newsletter.publication_id
        WHERE issue.id = %(issue)s)
    THEN coalesce(sum(clickers), 0) END
FROM ranked LEFT JOIN returned USING (domain) LEFT JOIN clicked USING (domain) GROUP BY 1
"""
