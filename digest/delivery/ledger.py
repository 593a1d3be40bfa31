"""The ledger: who has what, and what nobody can know. Every change of a delivery's state is here.

    claim      queued or deferred rows that are due become ours, under a lease and a fencing token
    attempt    one row is committed as attempted, if it may still go out; only then comes DATA
    record     the relay's word on it
    release    what was claimed and not attempted goes back
    sweep      what dead workers left: back to the queue, or in doubt; done editions are finished
    forget     a reader is erased: nothing more is sent, and no row knows whose it was

A worker that was frozen for longer than its lease comes back with a fence that no row bears any
more, so nothing it says is recorded and nothing more is sent. The exception is the relay's late
word on a message that is in doubt since: it resolves the doubt.

Leases go by the database's clock, the only one that all workers share.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from digest.delivery.choosing import readers_of
from digest.delivery.models import Delivery
from digest.delivery.progress import progress
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter
from digest.subscribers import audience
from digest.subscribers.audience import Issue
from digest.subscribers.models import Subscriber

log = structlog.get_logger(__name__)

State = Delivery.State
_TO_COME = [State.QUEUED, State.CLAIMED, State.DEFERRED]

# A message that breaks the line or the worker each time is left to a person in the end. The first
# time it goes out again at once, then later and later.
MOST_DOUBTS = 3
DOUBT_WAIT = timedelta(minutes=5)
LATE = timedelta(days=1)  # longer than any relay takes to answer

DOUBT = "In doubt: the worker ended, or the line broke, before the relay's word was known."
AGAIN = "In doubt once; sent again, as the newsletter says."
ERASED = "The reader was erased."


class Verdict(Enum):
    """What `attempt` says."""

    GO = auto()  # it is committed as attempted: send it
    SETTLED = auto()  # it must not go out any more, and is recorded so
    STOPPED = auto()  # the edition is paused or cancelled: release the batch
    LOST = auto()  # the claim is not ours any more: drop the batch


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed delivery."""

    id: int
    subscriber_id: int
    email: str
    name: str
    attempts: int  # before this claim
    first_attempt_at: datetime | None
    topics: Sequence[str] = ()  # that the reader chose; none: everything


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one edition, claimed together."""

    fence: int
    edition: Edition
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found."""

    requeued: int
    doubted: int
    resent: int
    finished: list[Edition]


def due_editions(now: datetime) -> QuerySet[Edition]:
    """Return the editions that are going out and have something due, oldest slot first."""
    due = Delivery.objects.filter(
        edition=OuterRef("pk"), due_at__lte=now, state__in=[0, 2], subscriber__isnull=False
    )
    return (
        Edition.objects.filter(Exists(due), state=Edition.State.SENDING, planned_at__isnull=False)
        .select_related("newsletter__publication")
        .order_by("slot", "pk")
    )


@transaction.atomic
def claim(edition: Edition, limit: int, now: datetime) -> Batch:
    """Claim up to `limit` deliveries that are due; no two callers get the same. May be empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [edition.pk, now, limit, settings.DIGEST_LEASE_SECONDS, edition.newsletter_id],
        )
        found = cursor.fetchall()
    rows = [Row(*fields) for _, *fields in found]
    return Batch(found[0][0] if found else 0, edition, rows)


_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM delivery_delivery
    WHERE edition_id = %s AND state IN (0, 2) AND due_at <= %s AND subscriber_id IS NOT NULL
    ORDER BY due_at, id
    LIMIT %s
    FOR UPDATE SKIP LOCKED
), token AS MATERIALIZED (
    SELECT nextval('delivery_fences') AS fence
)
UPDATE delivery_delivery AS delivery
SET state = 1, fence = token.fence, attempted_at = NULL,
    lease_until = now() + make_interval(secs => %s)
FROM due, token, subscribers_subscriber AS reader
LEFT JOIN subscribers_subscription AS wish
    ON wish.subscriber_id = reader.id AND wish.newsletter_id = %s
WHERE delivery.id = due.id AND reader.id = delivery.subscriber_id
RETURNING token.fence, delivery.id, reader.id, reader.email, reader.name,
    delivery.attempts, delivery.first_attempt_at, coalesce(wish.topics, '{}')
"""


def attempt(batch: Batch, row: Row, now: datetime, issue: Issue | None = None) -> Verdict:
    """Commit a row as attempted if, at this very moment, it may go out.

    One conditional UPDATE looks at everything again: our claim and lease, the edition's state, the
    subscription, its cadence and topics, pauses, suppressions. So an unsubscription holds from its
    commit on. Without `issue`, readers of every topic are in.
    """
    issue = issue or Issue(readers_of(batch.edition))
    wanted = audience.eligible(batch.edition.newsletter_id, now, issue)
    sending = Edition.objects.filter(pk=OuterRef("edition"), state=Edition.State.SENDING)
    taken = (
        _ours(batch, row)
        .filter(state=State.CLAIMED, lease_until__gt=Now())
        .filter(Exists(sending), Exists(wanted.filter(subscriber=OuterRef("subscriber"))))
        .update(
            attempted_at=Now(),
            attempts=F("attempts") + 1,
            first_attempt_at=Coalesce("first_attempt_at", now),
        )
    )
    return Verdict.GO if taken else _why_not(batch, row, now, issue)


def record(batch: Batch, row: Row, outcome: Outcome, now: datetime) -> bool:
    """Record what became of an attempt; False if the row is not ours any more."""
    settled = outcome.state != State.DEFERRED
    return bool(
        _ours(batch, row)
        .filter(state__in=[State.CLAIMED, State.IN_DOUBT])
        .update(
            state=outcome.state,
            due_at=outcome.due_at or F("due_at"),
            settled_at=now if settled else None,
            reply_code=outcome.code,
            reply=outcome.reply,
            fence=None,
            lease_until=None,
            attempted_at=None,
        )
    )


def doubt(batch: Batch, row: Row) -> None:
    """Record that nobody knows whether the relay has this message; a sweep applies the policy."""
    _ours(batch, row).filter(state=State.CLAIMED).update(
        state=State.IN_DOUBT, doubts=F("doubts") + 1, reply=DOUBT, lease_until=None
    )


def withdraw(batch: Batch, row: Row, now: datetime) -> None:
    """Take an attempt back: the relay went away before it could have taken the message.

    It goes behind all that is due, so that a message which drives relays away holds up nobody.
    """
    _ours(batch, row).filter(state=State.CLAIMED, attempted_at__isnull=False).update(
        attempted_at=None,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        due_at=now,
    )


def release(batch: Batch) -> None:
    """Give back what was claimed and not attempted."""
    Delivery.objects.filter(
        fence=batch.fence, state=State.CLAIMED, attempted_at__isnull=True
    ).update(state=State.QUEUED, fence=None, lease_until=None)


def renew(fence: int) -> int:
    """Prolong the lease of a batch from now on; return how many rows are still claimed by it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_delivery SET lease_until = now() + make_interval(secs => %s) "
            "WHERE fence = %s AND state = 1 AND lease_until > now()",
            [settings.DIGEST_LEASE_SECONDS, fence],
        )
        return int(cursor.rowcount)


def sweep(now: datetime) -> Swept:
    """Pick up what was left lying, and finish editions with nothing left to come."""
    expired = Delivery.objects.filter(state=State.CLAIMED, lease_until__lt=Now())
    doubted = expired.filter(attempted_at__isnull=False).update(
        state=State.IN_DOUBT, doubts=F("doubts") + 1, reply=DOUBT, lease_until=None
    )
    requeued = expired.filter(attempted_at__isnull=True).update(
        state=State.QUEUED, fence=None, lease_until=None
    )
    resent = _resend_doubted(now)
    settle_cancelled(now)
    _settle_nameless(now)
    _reopen(now)
    return Swept(requeued, doubted, resent, _finish(now))


def settle_cancelled(now: datetime, step: int = 20_000) -> int:
    """Record as cancelled what waits in cancelled editions, in bounded steps; return how many."""
    stopped = Edition.objects.filter(state=Edition.State.CANCELLED)
    waiting = Delivery.objects.filter(state__in=[0, 2], edition__in=stopped)
    total = 0
    while some := list(waiting.values_list("pk", flat=True)[:step]):
        total += Delivery.objects.filter(pk__in=some, state__in=[0, 2]).update(
            state=State.CANCELLED, settled_at=now, reply="The edition was cancelled."
        )
    return total


def forget(subscriber_id: int, now: datetime) -> None:
    """Settle what a reader is still to be sent, and take them off every row of theirs.

    For the caller's transaction, which erases the reader. A worker that has one of the rows in hand
    finds its claim gone. What is in doubt stays so, and is not sent again. The relay's words go
    too: they quote addresses.
    """
    # Whoever plans at this moment waits here, and then finds no such reader.
    Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    theirs = Delivery.objects.filter(subscriber=subscriber_id)
    list(theirs.select_for_update().order_by("pk").values_list("pk"))
    nobody = {"subscriber": None, "fence": None, "lease_until": None, "attempted_at": None}
    theirs.exclude(state__in=_TO_COME).update(**nobody, reply="")
    theirs.update(**nobody, state=State.SUPPRESSED, settled_at=now, reply=ERASED)


def _settle_nameless(now: datetime) -> None:
    """Settle rows whose reader is gone without having been forgotten here."""
    Delivery.objects.filter(state__in=[0, 2], subscriber__isnull=True).update(
        state=State.SUPPRESSED, settled_at=now, reply=ERASED
    )


def forgotten(row: Row) -> bool:
    """Say whether this row's reader was erased while we had it in hand."""
    return Delivery.objects.filter(pk=row.id, subscriber__isnull=True).exists()


def _ours(batch: Batch, row: Row) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=row.id, fence=batch.fence)


def _why_not(batch: Batch, row: Row, now: datetime, issue: Issue) -> Verdict:
    """Find out why a row could not be attempted, and settle it if it never will be."""
    held = _ours(batch, row).filter(state=State.CLAIMED, lease_until__gt=Now())
    if not held.exists():
        return Verdict.SETTLED if forgotten(row) else Verdict.LOST
    edition_state = Edition.objects.values_list("state", flat=True).get(pk=batch.edition.pk)
    if edition_state != Edition.State.SENDING:
        return Verdict.STOPPED
    reason = audience.why_not(batch.edition.newsletter_id, row.subscriber_id, now, issue)
    why = Outcome(State.SUPPRESSED, None, reason)
    return Verdict.SETTLED if record(batch, row, why, now) else Verdict.LOST


def _to_be_resent() -> QuerySet[Delivery]:
    """Return what is in doubt where the newsletter would rather mail twice than never."""
    return Delivery.objects.filter(
        state=State.IN_DOUBT,
        subscriber__isnull=False,
        doubts__lte=MOST_DOUBTS,
        edition__newsletter__in_doubt=Newsletter.InDoubt.RESEND,
    )


def _resend_doubted(now: datetime) -> int:
    """Queue what is to be sent again in editions that are not over."""
    open_states = [Edition.State.SENDING, Edition.State.PAUSED]
    waiting = _to_be_resent().filter(edition__state__in=open_states)
    wait = ExpressionWrapper((F("doubts") - 1) * DOUBT_WAIT, output_field=DurationField())
    return waiting.update(
        state=State.QUEUED, due_at=now + wait, fence=None, attempted_at=None, reply=AGAIN
    )


def _reopen(now: datetime) -> None:
    """Let an edition go on whose last doubt was resolved, after its end, by a "try again later"."""
    waiting = Delivery.objects.filter(edition=OuterRef("pk"), state=State.DEFERRED)
    Edition.objects.filter(
        Exists(waiting), state=Edition.State.SENT, finished_at__gt=now - LATE
    ).update(state=Edition.State.SENDING, finished_at=None)


def _finish(now: datetime) -> list[Edition]:
    """Close the editions that are planned and have nothing left to come."""
    to_come = Delivery.objects.filter(edition=OuterRef("pk"), state__in=[0, 1, 2])
    again = _to_be_resent().filter(edition=OuterRef("pk"))
    done = Edition.objects.filter(
        ~Exists(to_come),
        ~Exists(again),
        Q(planned_at__isnull=False),
        state=Edition.State.SENDING,
    )
    closed = {"state": Edition.State.SENT, "finished_at": now}
    finished = [edition for edition in done if done.filter(pk=edition.pk).update(**closed)]
    for edition in finished:
        log.info("edition sent", edition=edition.pk, **asdict(progress(edition)))
    return finished
