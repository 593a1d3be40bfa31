"""Send the notices that are due, one after the other.

    claim one, committed as attempted > is it still wanted? > compose > hand over > record the reply

Claiming counts as an attempt: a worker that dies in between leaves one notice uncertain. It is sent
once more, under the same Message-ID: a confirmation that never comes is worse than one that comes
twice.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce

from digest.core import addresses, clock, jobs
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.notices.messages import message_of
from digest.notices.models import Notice
from digest.notices.relay_pool import NoRelayError, RelayPool, record_failure
from digest.relays import dkim, health, retries
from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.models import Relay
from digest.relays.transports.base import Envelope

log = structlog.get_logger(__name__)

# Longer than any relay may take to answer (RFC 5321 §4.5.3.2.6: ten minutes after the message).
LEASE = timedelta(minutes=12)
MOST_TIMES_UNCERTAIN = 1
UNWANTED = "No longer wanted: it was settled before this was sent, or the address is suppressed."

State = Notice.State
Changes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did."""

    sent: int = 0
    unsent: int = 0  # deferred, refused, or no longer wanted


def send_due() -> Run:
    """Send for a few seconds, or until nothing is due; enqueue a successor if more is left."""
    sweep(clock.now())
    sent = unsent = 0
    until = time.monotonic() + settings.DIGEST_SEND_SECONDS
    with RelayPool() as relays:
        while notice := claim(clock.now(), relays.blocked(clock.now())):
            if _send(notice, relays) == State.SENT:
                sent += 1
            else:
                unsent += 1
            if time.monotonic() > until:
                jobs.enqueue(jobs.SEND_NOTICES)
                break
    return Run(sent, unsent)


def sweep(now: datetime) -> int:
    """Queue again, or give up, what a dead worker had claimed; return how many."""
    abandoned = leases.expired(Notice.objects.filter(state=State.CLAIMED), now)
    given_up = abandoned.filter(times_uncertain__gte=MOST_TIMES_UNCERTAIN).update(
        state=State.UNCERTAIN,
        times_uncertain=F("times_uncertain") + 1,
        lease_until=None,
        reply=retries.UNCERTAIN_REPLY,
        settled_at=now,
    )
    return given_up + abandoned.update(
        state=State.QUEUED,
        times_uncertain=F("times_uncertain") + 1,
        lease_until=None,
        reply=retries.UNCERTAIN_REPLY,
    )


def claim(now: datetime, blocked: Collection[int] = ()) -> Notice | None:
    """Claim the next notice that is due, of other publications than those that are blocked.

    A password reset does not wait behind thousands of invitations.
    """
    due = Notice.objects.filter(state__in=Notice.DUE, due_at__lte=now)
    due = due.exclude(publication__in=blocked) if blocked else due
    claimed = leases.claim(
        due.order_by("precedence", "due_at", "pk"),
        limit=1,
        until=now + LEASE,
        related=("publication", "subscriber"),
        state=State.CLAIMED,
        attempts=F("attempts") + 1,
        first_attempt_at=Coalesce("first_attempt_at", now),
    )
    return claimed[0] if claimed else None


def _send(notice: Notice, relays: RelayPool) -> int:
    """Send one notice and record the outcome; return the state that it is in now."""
    now = clock.now()
    try:
        relay = relays.choose(notice, now)
    except NoRelayError as problem:
        relays.block(notice.publication_id, problem.until)
        return _record(notice, _postponed(notice, problem.until))
    if waiting := relays.postponement(relay, notice):
        until = waiting.due_at or now
        return _record(notice, _postponed(notice, until) | {"reply": waiting.reply})
    try:
        changes = _deliver(notice, relays, relay, now)
    except RelayDownError as problem:
        record_failure(relay, problem, now)
        return _record(notice, _postponed(notice, now))
    except ReplyLostError as problem:
        record_failure(relay, problem, now)
        return _record(notice, _uncertain(notice, now))
    health.record_success(relay)
    return _record(notice, changes)


def _deliver(notice: Notice, relays: RelayPool, relay: Relay, now: datetime) -> Changes:
    """Hand a notice over, unless it is no longer wanted; return what to record."""
    transport = relays.transport(relay)
    try:
        message = message_of(notice, now)
        if message is None:
            return {"state": State.CANCELLED, "reply": UNWANTED, "settled_at": now}
        if transport.preserves_message:
            message = dkim.sign(message, notice.publication.sender_domain, now)
        sender = addresses.envelope(notice.publication.sender_email)
        envelope = Envelope(sender, addresses.envelope(notice.email))
    except DigestError as problem:
        return {"state": State.FAILED, "reply": str(problem), "settled_at": now}
    reply = transport.deliver(envelope, message)
    outcome = relays.outcome_of(relay, notice, reply, now)
    return {
        "state": outcome.state,
        "reply": outcome.reply,
        "reply_code": outcome.code,
        "due_at": outcome.due_at or notice.due_at,
        "settled_at": now if outcome.settled else None,
    }


def _postponed(notice: Notice, until: datetime) -> Changes:
    """Return what to record of a notice that no relay was offered, so that it blocks no other."""
    return {"state": State.QUEUED, "attempts": notice.attempts - 1, "due_at": until}


def _uncertain(notice: Notice, now: datetime) -> Changes:
    is_repeated = notice.times_uncertain < MOST_TIMES_UNCERTAIN
    return {
        "state": State.QUEUED if is_repeated else State.UNCERTAIN,
        "times_uncertain": notice.times_uncertain + 1,
        "reply": retries.UNCERTAIN_REPLY,
        "settled_at": None if is_repeated else now,
    }


def _record(notice: Notice, changes: Changes) -> int:
    if not leases.finish(notice, **changes):
        log.warning("notice not recorded: its lease ran out", notice=notice.pk)
    return int(changes["state"])
