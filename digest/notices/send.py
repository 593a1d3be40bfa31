"""Send the notices that are due, one after the other.

    claim one, committed as attempted > is it still wanted? > compose > hand over > record the reply

Claiming is attempting: a worker that dies in between leaves one notice uncertain. It goes out once
more, under the same Message-ID: a confirmation that never comes is worse than one that comes twice.
"""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from digest.core import addresses, clock, jobs, links
from digest.core.errors import DigestError
from digest.notices import content
from digest.notices.models import Notice
from digest.relays import dkim, health, registry, retries, routes
from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.models import Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.transports.base import Envelope, Transport
from digest.rendering.notice import Addressee, Masthead, compose
from digest.sending import resending

log = structlog.get_logger(__name__)

# Longer than any relay may take to answer (RFC 5321 §4.5.3.2.6: ten minutes after the message).
LEASE = timedelta(minutes=12)
MOST_TIMES_UNCERTAIN = 1
STRANDED = timedelta(minutes=10)  # until the next look whether a relay is for this sender
UNWANTED = "No longer wanted: it was settled before this was sent, or the address is suppressed."
UNCERTAIN_REPLY = (
    "Uncertain: the worker ended, or the line broke, before the relay's word was known."
)

State = Notice.State


@dataclass(frozen=True, slots=True)
class Posted:
    """What one run did."""

    sent: int = 0
    others: int = 0  # deferred, refused, or no longer wanted


def send_due() -> Posted:
    """Send for a few seconds, or until nothing is due; nudge a successor if something is left."""
    sweep(clock.now())
    posted, until = Posted(), time.monotonic() + settings.DIGEST_SEND_SECONDS
    with _Relays() as relays:
        while notice := _claim(clock.now()):
            _send(notice, relays)
            state = Notice.objects.values_list("state", flat=True).get(pk=notice.pk)
            posted = _counted(posted, state)
            if time.monotonic() > until:
                jobs.enqueue(jobs.SEND_NOTICES)
                break
    return posted


def sweep(now: datetime) -> int:
    """Queue again, or give up, what a dead worker had in hand; return how many."""
    left = Notice.objects.filter(state=State.CLAIMED, lease_until__lt=now)
    over = left.filter(times_uncertain__gte=MOST_TIMES_UNCERTAIN).update(
        state=State.UNCERTAIN,
        times_uncertain=F("times_uncertain") + 1,
        reply=UNCERTAIN_REPLY,
        settled_at=now,
    )
    return over + left.update(
        state=State.QUEUED,
        times_uncertain=F("times_uncertain") + 1,
        fence=None,
        lease_until=None,
        reply=UNCERTAIN_REPLY,
    )


def message_id(notice: Notice) -> str:
    """Return a Message-ID that is a function of the notice, so that a repeat is seen."""
    token = links.sign("notice-message-id", notice.pk)
    return f"<{token}@{notice.publication.sender_domain}>"


@transaction.atomic
def _claim(now: datetime) -> Notice | None:
    """Take the next notice that is due, under a lease; no two callers get the same."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now, now, now + LEASE, now])
        found = cursor.fetchone()
    if not found:
        return None
    return Notice.objects.select_related("publication", "subscriber").get(pk=found[0])


_CLAIM = """
UPDATE notices_notice
SET state = 1, fence = nextval('relays_fences'), attempts = attempts + 1,
    attempted_at = %s, first_attempt_at = coalesce(first_attempt_at, %s), lease_until = %s
WHERE id = (
    SELECT id FROM notices_notice WHERE state IN (0, 2) AND due_at <= %s
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


class _Relays(ExitStack):
    """The relays of one run, each opened when it is first needed."""

    def __init__(self) -> None:
        super().__init__()
        dkim.check_keys()
        self._all = registry.active_relays()
        self._open: dict[Relay, tuple[Transport, RateLimiter]] = {}

    def choose(self, notice: Notice, now: datetime) -> Relay:
        """Return the relay for a notice's sender; _PutOffError says when there will be one."""
        domain = routes.sender_domain(notice.publication.sender_email)
        fit = routes.relays_for_domain(domain, self._all)
        awake = routes.available_relays(fit, now)
        if not awake:
            back = [relay.retry_at for relay in fit if relay.retry_at]
            raise _PutOffError(min(back, default=now + STRANDED))
        relay = routes.choose_relay(awake, random.Random())  # noqa: S311
        if relay not in self._open:
            transport = self.enter_context(registry.open_transport(relay))
            self._open[relay] = transport, RateLimiter(relay, "notices")
        limiter = self._open[relay][1]
        if not limiter.reserve(1):
            raise _PutOffError(now + timedelta(seconds=limiter.wait or 0))
        return relay

    def transport(self, relay: Relay) -> Transport:
        """Return the way to hand mail to a relay that was chosen."""
        return self._open[relay][0]


class _PutOffError(Exception):
    """No relay takes a notice now, for a reason that is not the subscriber's."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


def _send(notice: Notice, relays: _Relays) -> None:
    """Send one notice and record what came of it."""
    now = clock.now()
    try:
        relay = relays.choose(notice, now)
    except _PutOffError as later:
        _put_off(notice, later.until)
        return
    try:
        reply = _hand_over(notice, relays.transport(relay), now)
    except RelayDownError as problem:
        _note_down(relay, str(problem), now)
        _put_off(notice, now)
    except ReplyLostError as problem:
        _note_down(relay, str(problem), now)
        _record(notice, **_doubted(notice, now))
    else:
        health.record_success(relay)
        _record(notice, **reply)


def _note_down(relay: Relay, problem: str, now: datetime) -> None:
    health.record_failure(relay, problem, now)
    relay.refresh_from_db(fields=["retry_at", "failures"])


def _put_off(notice: Notice, until: datetime) -> None:
    """Queue a notice again that was not offered to anyone, so that it blocks no other."""
    _record(notice, state=State.QUEUED, attempts=notice.attempts - 1, due_at=until)


def _hand_over(notice: Notice, transport: Transport, now: datetime) -> dict[str, Any]:
    """Return what to record of a notice that was handed over, or should not be."""
    try:
        message = _message(notice, now)
        if message is None:
            return {"state": State.CANCELLED, "reply": UNWANTED, "settled_at": now}
        if transport.preserves_message:
            message = dkim.sign(message, notice.publication.sender_domain, now)
        sender = addresses.envelope(notice.publication.sender_email)
        envelope = Envelope(sender, addresses.envelope(notice.email))
    except DigestError as problem:
        return {"state": State.FAILED, "reply": str(problem), "settled_at": now}
    reply = transport.deliver(envelope, message)
    first = notice.first_attempt_at or now
    made = retries.outcome_of(reply, notice.attempts, first, now, random.random())  # noqa: S311
    return {
        "state": made.state,
        "reply": made.reply,
        "reply_code": made.code,
        "due_at": made.due_at or notice.due_at,
        "settled_at": None if made.state == State.DEFERRED else now,
    }


def _message(notice: Notice, now: datetime) -> bytes | None:
    """Return the mail that a notice stands for; None if it is not wanted any more."""
    if notice.kind == Notice.Kind.COPY:
        outgoing = resending.compose_copy(notice, message_id(notice), now)
        return outgoing.content if outgoing else None
    written = content.written(notice, now)
    if written is None:
        return None
    return compose(
        written.letter,
        Masthead.of(notice.publication),
        Addressee(
            email=notice.email,
            message_id=message_id(notice),
            date=now,
            links=written.links,
            unsubscribe_url=written.unsubscribe_url,
            unsubscribe_mailto=written.unsubscribe_mailto,
        ),
        replied=notice.answers_mail,
    )


def _doubted(notice: Notice, now: datetime) -> dict[str, Any]:
    again = notice.times_uncertain < MOST_TIMES_UNCERTAIN
    return {
        "state": State.QUEUED if again else State.UNCERTAIN,
        "times_uncertain": notice.times_uncertain + 1,
        "reply": UNCERTAIN_REPLY,
        "settled_at": None if again else now,
    }


def _record(notice: Notice, **facts: Any) -> None:
    """Record, unless the lease was lost meanwhile and the row is not ours any more."""
    Notice.objects.filter(pk=notice.pk, fence=notice.fence).update(
        fence=None, lease_until=None, attempted_at=None, **facts
    )


def _counted(posted: Posted, state: int) -> Posted:
    if state == State.SENT:
        return Posted(posted.sent + 1, posted.others)
    return Posted(posted.sent, posted.others + 1)
