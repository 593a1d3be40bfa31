"""Detects drops in the issues that were just counted, and tells editors of each new one, once.

detect   results of an issue and of those before it, by destination > comparing
         > new drops are stored (a trigger queues the webhook event), and a notice is queued
         > drops end where this issue does well again
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from digest.accounts.models import User
from digest.accounts.topics import NewsroomEvent
from digest.bounces.drops import comparing
from digest.bounces.drops.comparing import Decline
from digest.bounces.models import DomainResult, Drop
from digest.bounces.results.tables import results_by_destination
from digest.core.database import locks
from digest.core.text import percent
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.notices.queue import queue_to_account
from digest.reputation.recipients.providers import name_of

SETTLING = timedelta(hours=1)  # since the issue was due: greylisted mail has gone out by then
CLICKS_AFTER = timedelta(hours=24)
EARLIER = 10  # issues
BACK = timedelta(days=90)
STALE = timedelta(days=30)  # a drop that was not seen again is over


def detect(issue_ids: Iterable[int], now: datetime) -> list[Drop]:
    """Look for drops in issues; return the new ones."""
    Drop.objects.filter(ended_at=None, noticed_at__lt=now - STALE).update(ended_at=now)
    due = Issue.objects.filter(Issue.REGULAR, pk__in=list(issue_ids)).select_related(
        "newsletter__publication"
    )
    settled = [issue for issue in due.order_by("slot") if now - issue.goes_at >= SETTLING]
    return [drop for issue in settled for drop in detect_in(issue, now)]


@transaction.atomic
def detect_in(issue: Issue, now: datetime) -> list[Drop]:
    """Compare one issue with those before it; store what is new, end what is over."""
    locks.lock(locks.Purpose.DETECT_DROPS, issue.newsletter_id)
    with_clicks = now - issue.goes_at >= CLICKS_AFTER
    earlier = _earlier_issues(issue)
    results = results_by_destination([issue.pk, *earlier])
    judged = comparing.judge(
        results.get(issue.pk, {}),
        [results[pk] for pk in earlier if pk in results],
        with_clicks=with_clicks,
    )
    rows = Drop.objects.filter(newsletter=issue.newsletter, ended_at=None).select_related("issue")
    stored = {(row.destination, row.kind): row for row in rows}
    declines = {(row.destination, row.kind): row for row in judged.declines}
    for key in judged.judged - declines.keys():
        if key in stored and stored[key].issue.slot <= issue.slot:
            stored[key].ended_at = now
            stored[key].save(update_fields=["ended_at"])
    new = [
        _drop(issue, decline, now)
        for key, decline in declines.items()
        if key not in stored and not _was_noticed(issue, decline)
    ]
    Drop.objects.bulk_create(new)
    if new:
        queue_notices(issue.newsletter, new, now)
    return new


def _earlier_issues(issue: Issue) -> list[int]:
    """Return the ids of the issues before one that were counted, the newest first."""
    counted = DomainResult.objects.values("issue")
    rows = Issue.objects.filter(
        Issue.REGULAR,
        newsletter=issue.newsletter,
        slot__lt=issue.slot,
        slot__gt=issue.slot - BACK,
        pk__in=counted,
    )
    return list(rows.order_by("-slot").values_list("pk", flat=True)[:EARLIER])


def _was_noticed(issue: Issue, decline: Decline) -> bool:
    """Return whether a drop of this issue, or of a later one, was noticed before and has ended."""
    later = Q(issue=issue) | Q(issue__slot__gt=issue.slot)
    rows = Drop.objects.filter(
        later,
        newsletter=issue.newsletter,
        destination=decline.destination,
        kind=decline.kind,
    )
    return rows.exists()


def _drop(issue: Issue, decline: Decline, now: datetime) -> Drop:
    return Drop(newsletter=issue.newsletter, issue=issue, noticed_at=now, **decline._asdict())


def queue_notices(newsletter: Newsletter, drops: list[Drop], now: datetime) -> None:
    """Queue one notice about new drops of a newsletter to each of its editors and owners."""
    context = {
        "newsletters": [newsletter.pk],
        "drops": [
            {
                "destination": name_of(drop.destination),
                "kind": drop.kind,
                "share": drop.share,
                "usual": drop.usual_share,
            }
            for drop in drops
        ],
    }
    users = User.objects.filter(is_active=True, is_staff=True)
    for user in users.exclude(unwanted_events__contains=[NewsroomEvent.DROP]):
        if members.has_right(user, Right.EDIT, newsletter.publication_id, newsletter.pk):
            queue_to_account(Notice.Kind.DROP, newsletter.publication, user.email, now, context)


def summary_of(drop: Drop) -> str:
    """Say in a sentence what a drop is, for the console."""
    share, usual = percent(drop.share), percent(drop.usual_share)
    return _SUMMARIES[Drop.Kind(drop.kind)].format(share=share, usual=usual, mails=drop.mails)


_SUMMARIES = {
    Drop.Kind.DELIVERY: "{share} of {mails:,} mails were refused or deferred, usually {usual}.",
    Drop.Kind.COMPLAINTS: (
        "{share} of {mails:,} mails were reported as spam, usually {usual}. "
        "Gmail and Yahoo ask senders to stay below 0.3 %."
    ),
    Drop.Kind.CLICKS: (
        "{share} of {mails:,} recipients clicked, usually {usual}. "
        "The mail may be in the spam folder there."
    ),
}
