"""A domain that has begun to refuse us for what we are is left alone for a while.

    pause     its subscribers wait, those who were refused as well, and the editors are told
    lift      an editor knows better: what waits is due now

Trying on would make it worse, and the subscribers there are not at fault.
"""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from digest.accounts.models import User
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.relays.models import Dispatch, PausedDomain, Relay
from digest.sending.ledger import Row
from digest.sending.retries import GIVE_UP, SPREAD, Outcome

log = structlog.get_logger(__name__)

FIRST, LONGEST = timedelta(minutes=30), timedelta(hours=8)  # of a pause; each doubles the last
IN_A_ROW = timedelta(days=2)  # within which one more is one in a row
REFUSED_LATELY = timedelta(minutes=15)
HELD_BACK = "Held back: "

State = Dispatch.State


def paused(relay: Relay, now: datetime) -> Mapping[str, datetime]:
    """Return the domains that a relay leaves alone, and until when."""
    found = PausedDomain.objects.filter(relay=relay, until__gt=now)
    return dict(found.values_list("domain", "until"))


def length(times: int) -> timedelta:
    """Return how long the pause is that comes as the `times`-th in a row. Pure."""
    longer: int = 2 ** min(times - 1, 10)
    return min(FIRST * longer, LONGEST)


@transaction.atomic
def pause(relay: Relay, domain: str, why: str, now: datetime) -> PausedDomain | None:
    """Leave a domain alone from now on, and tell the editors; None if it is paused already."""
    Relay.objects.select_for_update().get(pk=relay.pk)  # several senders notice at once
    before = PausedDomain.objects.filter(relay=relay, domain=domain).first()
    if before and before.until > now:
        _wait_too(domain, before.until, now)  # who was refused while we were not the first to see
        return None
    in_a_row = before is not None and now - before.until < IN_A_ROW
    times = before.times + 1 if before and in_a_row else 1
    made, _ = PausedDomain.objects.update_or_create(
        relay=relay,
        domain=domain,
        defaults={
            "since": now,
            "until": now + length(times),
            "times": times,
            "reason": why[:500],
        },
    )
    again = _wait_too(domain, made.until, now)
    log.error("domain paused", relay=relay.name, domain=domain, why=why[:200], refused=again)
    _tell(made, now)
    return made


def lift(found: PausedDomain, now: datetime) -> int:
    """Let a domain have its mail again; return how many deliveries are due now."""
    PausedDomain.objects.filter(pk=found.pk).update(until=now)
    with connection.cursor() as cursor:
        cursor.execute(_LIFT, [now, _pattern(found.domain), f"{HELD_BACK}%"])
        return int(cursor.rowcount)


_LIFT = """
UPDATE sending_delivery AS delivery SET due_at = %s
FROM issues_issue AS issue, subscribers_subscriber AS subscriber
WHERE issue.state IN ('sending', 'paused') AND delivery.issue_id = issue.id
    AND delivery.state = 2 AND subscriber.id = delivery.subscriber_id AND subscriber.email LIKE %s
    AND delivery.reply LIKE %s
"""


def softened(word: Outcome, domain: str, until: datetime) -> Outcome:
    """Return what to record of a refusal by a domain that was paused meanwhile: to wait too."""
    if word.state != State.FAILED:
        return word
    words = f"{_held_back(domain)} {word.reply}"
    return Outcome(State.DEFERRED, word.code, words, _spread(until), attempted=True)


def put_off(rows: Iterable[Row], domain: str, until: datetime) -> list[tuple[Row, Outcome]]:
    """Return what to record of claimed rows of a domain that is left alone."""
    return [
        (row, Outcome(State.DEFERRED, None, _held_back(domain), _spread(until))) for row in rows
    ]


def _wait_too(domain: str, until: datetime, now: datetime) -> int:
    """Let those who were refused just now wait as well, rather than have failed for our fault."""
    with connection.cursor() as cursor:
        since = now - REFUSED_LATELY
        words = _held_back(domain)
        cursor.execute(_AGAIN, [until, words, _pattern(domain), since, now - GIVE_UP])
        return int(cursor.rowcount)


_AGAIN = r"""
UPDATE sending_delivery AS delivery
SET state = 2, due_at = %s, settled_at = NULL, reply = %s || ' ' || delivery.reply
FROM issues_issue AS issue, subscribers_subscriber AS subscriber
WHERE issue.state IN ('sending', 'paused') AND delivery.issue_id = issue.id
    AND delivery.state = 4 AND subscriber.id = delivery.subscriber_id AND subscriber.email LIKE %s
    AND delivery.reply ~ '^5\.7\.' AND delivery.settled_at > %s AND delivery.first_attempt_at > %s
"""


def _tell(made: PausedDomain, now: datetime) -> None:
    """Write to everyone who logs in to the console."""
    publication = Publication.objects.order_by("pk").first()
    if publication is None:
        return
    for user in User.objects.filter(is_active=True, is_staff=True):
        context = {"paused": made.pk}
        queue_notice(Notice.Kind.PAUSED, publication, email=user.email, now=now, context=context)


def _held_back(domain: str) -> str:
    return f"{HELD_BACK}{domain} refuses our mail for now."


def _pattern(domain: str) -> str:
    return "%@" + domain.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _spread(until: datetime) -> datetime:
    return until + FIRST * SPREAD * random.random()  # noqa: S311
