"""What the pause of a recipient domain means for deliveries and editors.

pause_domain       deliveries that it refused just now wait with the others; editors get a notice
defer_recorded     refusals that were recorded late, after the pause began, wait as well
lift_pause         an editor knows better: mails that wait for its end are due now
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from digest.accounts.models import User
from digest.accounts.topics import NewsroomEvent
from digest.core.database.statements import execute
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_to_account
from digest.relays import pausing
from digest.relays.models import PausedDomain, Relay
from digest.relays.retries import GIVE_UP
from digest.sending.models import Delivery

log = structlog.get_logger(__name__)

RECENT = timedelta(minutes=15)  # refusals that belong to the pause
LATE = timedelta(days=1)  # after a pause, in which refusals that belong to it may be recorded

State = Delivery.State


@transaction.atomic
def pause_domain(relay: Relay, domain: str, reason: str, now: datetime) -> PausedDomain | None:
    """Pause a domain for a relay and queue a notice to the editors; None if it is paused already.

    Deliveries that the domain refused within the last minutes wait until the end of the pause.
    """
    pause, is_new = pausing.pause_domain(relay, domain, reason, now)
    refused = _defer_refused(pause, settled_after=now - RECENT, now=now)
    if not is_new:
        return None
    log.error(
        "domain paused", relay=relay.name, domain=domain, reason=reason[:200], refused=refused
    )
    _queue_notices(pause, now)
    return pause


def defer_recorded(now: datetime) -> int:
    """Defer refusals recorded at exactly `now` by domains that are paused, or were lately.

    For a sender that ended before it recorded them: the pause may have begun, and ended, between
    the reply and its record. Called once for each record, so nothing is tried again and again.
    Returns how many.
    """
    pauses = PausedDomain.objects.filter(until__gt=now - LATE)
    moment = now - timedelta.resolution  # what was settled after this was settled at `now`
    return sum(_defer_refused(pause, settled_after=moment, now=now) for pause in pauses)


def lift_pause(pause: PausedDomain, now: datetime) -> int:
    """End a pause; return how many deliveries are due now. So are notices that wait for its end."""
    pausing.end_pause(pause, now)
    notices = Notice.objects.filter(state__in=Notice.DUE, email__endswith=f"@{pause.domain}")
    notices.filter(reply__startswith=pausing.HELD_BACK, due_at__gt=now).update(due_at=now)
    return execute(
        _MAKE_DUE,
        {
            "now": now,
            "deferred": State.DEFERRED,
            "emails": _pattern(pause.domain),
            "replies": f"{pausing.HELD_BACK}%",
        },
    )


_MAKE_DUE = """
UPDATE sending_delivery AS delivery SET due_at = %(now)s
FROM issues_issue AS issue, subscribers_subscriber AS subscriber
WHERE issue.state IN ('sending', 'paused') AND delivery.issue_id = issue.id
    AND delivery.state = %(deferred)s AND subscriber.id = delivery.subscriber_id
    AND subscriber.email LIKE %(emails)s AND delivery.reply LIKE %(replies)s
"""


def _defer_refused(pause: PausedDomain, *, settled_after: datetime, now: datetime) -> int:
    """Defer what the domain refused since then: these subscribers should not miss the issue."""
    return execute(
        _DEFER_REFUSED,
        {
            "deferred": State.DEFERRED,
            "failed": State.FAILED,
            "until": pause.until,
            "reply": pausing.held_back(pause.domain),
            "emails": _pattern(pause.domain),
            "settled_after": settled_after,
            "attempted_after": now - GIVE_UP,
        },
    )


_DEFER_REFUSED = r"""
UPDATE sending_delivery AS delivery
SET state = %(deferred)s, due_at = %(until)s, settled_at = NULL,
    reply = %(reply)s || ' ' || delivery.reply
FROM issues_issue AS issue, subscribers_subscriber AS subscriber
WHERE issue.state IN ('sending', 'paused') AND delivery.issue_id = issue.id
    AND delivery.state = %(failed)s AND subscriber.id = delivery.subscriber_id
    AND subscriber.email LIKE %(emails)s AND delivery.reply ~ '^5\.7\.'
    AND delivery.settled_at > %(settled_after)s
    AND delivery.first_attempt_at > %(attempted_after)s
"""


def _queue_notices(pause: PausedDomain, now: datetime) -> None:
    """Queue a notice to the editors and owners of all publications: a mail server may serve any."""
    publication = Publication.objects.order_by("pk").first()
    if publication is None:
        return
    users = User.objects.filter(is_active=True, is_staff=True)
    for user in users.exclude(unwanted_events__contains=[NewsroomEvent.DOMAIN]):
        if members.has_right_somewhere(user, Right.EDIT):
            context = {"paused": pause.pk}
            queue_to_account(Notice.Kind.PAUSED, publication, user.email, now, context)


def _pattern(domain: str) -> str:
    return "%@" + domain.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
