"""Poll the mailboxes that are due: fetch each new message, record it, then clear it.

    poll_due   claim mailboxes under a lease, poll each
    poll       list the messages; record those that are new; clear those that are ours

A message is cleared after the transaction that recorded it, so a worker that ends loses none; it
is not fetched twice, because its key (UIDVALIDITY and UID, or UIDL) is stored in that transaction.
What is not about our mail stays where it is: people may use the mailbox too.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, transaction
from django.db.models import Q

from digest.bounces import reports
from digest.bounces.mailboxes import registry
from digest.bounces.mailboxes.errors import UnreadableMessageError
from digest.bounces.mailboxes.sessions import Session, open_session
from digest.bounces.models import Mailbox, MailboxMessage
from digest.bounces.reports import Outcome
from digest.core import clock
from digest.core.backoff import Backoff
from digest.core.database import leases
from digest.core.errors import DigestError

INTERVAL = timedelta(minutes=1)
BACKOFF = Backoff.doubling(timedelta(minutes=1), timedelta(hours=1))
LEASE = timedelta(minutes=10)
BATCH = 4  # mailboxes, one after another, within LEASE
BUDGET = 120.0  # seconds for one mailbox; what is left waits for the next poll
KEEP = timedelta(days=30)  # of messages that the server does not have any more
_CLEARED = {Outcome.RECORDED, Outcome.UNCHANGED}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class PollResult:
    """What a poll did."""

    mailbox: Mailbox
    messages: int = 0  # new ones
    recorded: int = 0
    problem: str = ""


def poll_due(now: datetime | None = None) -> list[PollResult]:
    """Poll the mailboxes that are due; finding none is fine."""
    now = now or clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = Mailbox.objects.filter(free, active=True, due_at__lte=now).order_by("due_at")
    return [poll(mailbox, now) for mailbox in leases.claim(due, BATCH, now + LEASE)]


def poll(mailbox: Mailbox, now: datetime) -> PollResult:
    """Poll one mailbox at once, and note on it how that went; never raises for what is there."""
    polled = PollResult(mailbox)
    try:
        _poll(mailbox, polled, now)
    except DigestError as problem:
        polled.problem = str(problem)
    except (DatabaseError, SoftTimeLimitExceeded):
        raise  # the lease covers the mailbox
    except Exception as problem:  # what servers send breaks the libraries in many ways
        log.exception("mailbox not polled", mailbox=mailbox.name)
        polled.problem = f"The server's answer cannot be understood: {problem}"
    failures = mailbox.failures + 1 if polled.problem else 0
    wait = BACKOFF.wait(failures) if failures else INTERVAL
    Mailbox.objects.filter(pk=mailbox.pk, lease_until=mailbox.lease_until).update(
        lease_until=None,
        polled_at=now,
        due_at=now + wait,
        failures=failures,
        problem=polled.problem[:500],
    )
    log.info("mailbox polled", mailbox=mailbox.name, new=polled.messages, problem=polled.problem)
    return polled


def _poll(mailbox: Mailbox, polled: PollResult, now: datetime) -> None:
    address, until = registry.address_of(mailbox), time.monotonic() + BUDGET
    remaining = True
    while remaining and time.monotonic() < until:
        # A message that cannot be fetched ends the session; the next one passes it over.
        with open_session(address) as session:
            registry.store_refresh_token(mailbox)
            remaining = _read_all(session, mailbox, polled, now, until)


def _read_all(
    session: Session, mailbox: Mailbox, polled: PollResult, now: datetime, until: float
) -> bool:
    """Read and clear what a session lists; return whether another session is needed."""
    keys = session.keys()
    outcomes = _outcomes(mailbox)
    _forget(mailbox, outcomes.keys() - set(keys), now)
    for key in keys:
        if time.monotonic() > until:
            break
        if key not in outcomes:
            try:
                content = session.fetch(key)
            except UnreadableMessageError as problem:
                _store(mailbox, key, Outcome.UNREADABLE, "", now)
                log.warning("message not read", mailbox=mailbox.name, problem=str(problem))
                return True
            outcomes[key] = _take(mailbox, key, content, now)
            polled.messages += 1
            polled.recorded += outcomes[key] == Outcome.RECORDED
        if outcomes[key] in _CLEARED:
            session.clear(key)
    return False


@transaction.atomic
def _take(mailbox: Mailbox, key: str, content: bytes, now: datetime) -> Outcome:
    """Record a message with its key, or neither."""
    outcome = reports.receive(content, now)
    _store(mailbox, key, outcome, reports.message_id_of(content), now)
    return outcome


def _store(mailbox: Mailbox, key: str, outcome: Outcome, message_id: str, now: datetime) -> None:
    MailboxMessage.objects.get_or_create(
        mailbox=mailbox,
        key=key[:200],
        defaults={"outcome": outcome, "message_id": message_id, "at": now},
    )


def _outcomes(mailbox: Mailbox) -> dict[str, str]:
    return dict(MailboxMessage.objects.filter(mailbox=mailbox).values_list("key", "outcome"))


def _forget(mailbox: Mailbox, keys: Iterable[str], now: datetime) -> None:
    """Delete the rows of messages that the server does not have any more, after a while."""
    old = MailboxMessage.objects.filter(mailbox=mailbox, at__lt=now - KEEP)
    old.filter(key__in=list(keys)[:10_000]).delete()
