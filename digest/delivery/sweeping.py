"""Pick up what was left lying, wherever a process ended.

journals of dead processes     folded into the ledger: sent, in doubt, or back to the queue
leases that ran out            the same by the journal of a frozen process; without one, in doubt
what is in doubt               sent again where the newsletter says so
cancelled editions, erased readers, editions with nothing left to come, counts
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.delivery import journal, ledger, progress, retries
from digest.delivery.journal import Entry
from digest.delivery.ledger import DOUBT, ERASED, Batch
from digest.delivery.models import Claim, Delivery
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter
from digest.subscribers.audience import FOR_ALL

log = structlog.get_logger(__name__)

State = Delivery.State

# A message that breaks the line or the worker each time is left to a person in the end. The first
# time it goes out again at once, then later and later.
MOST_DOUBTS = 3
DOUBT_WAIT = timedelta(minutes=5)
LATE = timedelta(days=1)  # longer than any relay takes to answer
AGAIN = "In doubt once; sent again, as the newsletter says."
CANCELLED = "The edition was cancelled."


@dataclass(slots=True)
class Swept:
    """What a sweep found."""

    requeued: int = 0
    doubted: int = 0
    settled: int = 0  # by a dead process's journal
    resent: int = 0
    finished: list[Edition] = field(default_factory=list)


def sweep(now: datetime) -> Swept:
    """Pick up what was left lying, and finish editions with nothing left to come."""
    swept = Swept()
    _fold_journals(swept, now)
    _fold_expired(swept, now)
    _fold_unclaimed(swept)
    swept.resent = _resend_doubted(now)
    settle_cancelled(now)
    _settle_nameless(now)
    _reopen(now)
    progress.compact()
    swept.finished = _finish(now)
    return swept


def settle_cancelled(now: datetime, step: int = 20_000) -> int:
    """Record as cancelled what waits in cancelled editions, in bounded steps; return how many."""
    stopped = Edition.objects.filter(state=Edition.State.CANCELLED)
    waiting = Delivery.objects.filter(state__in=[0, 2], edition__in=stopped)
    total = 0
    while some := list(waiting.values_list("pk", flat=True)[:step]):
        total += Delivery.objects.filter(pk__in=some, state__in=[0, 2]).update(
            state=State.CANCELLED, settled_at=now, reply=CANCELLED
        )
    return total


def _fold_journals(swept: Swept, now: datetime) -> None:
    """Fold in the journals that dead processes of this machine left."""
    with journal.left_behind() as names:
        for name in names:
            entries = journal.read(name) or {}
            for claim in Claim.objects.filter(journal=name):
                _fold(claim, entries, swept, now)
                claim.delete()
            if entries:
                log.info("a dead sender's journal was folded in", journal=name, **_counts(swept))


def _fold_expired(swept: Swept, now: datetime) -> None:
    """Fold in what lost its lease: by the journal, if it is here.

    The journal of another machine is that machine's to fold in; it has two more leases' time.
    Nobody can know what a machine did that does not come back: all it had in hand is in doubt.
    The claim of a process that is only frozen stays, so that its late word is heard.
    """
    grace = timedelta(seconds=2 * settings.DIGEST_LEASE_SECONDS)
    for claim in Claim.objects.filter(lease_until__lt=Now(), swept=False):
        entries = journal.read(claim.journal)
        if entries is not None:
            _fold(claim, entries, swept, now)
            Claim.objects.filter(pk=claim.pk).update(swept=True)
        elif Claim.objects.filter(pk=claim.pk, lease_until__lt=Now() - grace).exists():
            log.error("a machine is gone with its journal", fence=claim.pk)
            _fold(claim, None, swept, now)
            claim.delete()


def _fold_unclaimed(swept: Swept) -> None:
    """Put in doubt what bears the fence of no claim: it should not be, and nobody else would look.

    Claim and rows change in one transaction, so one statement sees both or neither.
    """
    claims = Claim.objects.filter(fence=OuterRef("fence"))
    stray = Delivery.objects.filter(~Exists(claims), state=State.CLAIMED)
    if found := stray.update(state=State.IN_DOUBT, doubts=F("doubts") + 1, reply=DOUBT):
        log.error("claimed by nobody", deliveries=found)
        swept.doubted += found


@transaction.atomic
def _fold(claim: Claim, entries: Mapping[int, Entry] | None, swept: Swept, now: datetime) -> None:
    """Bring one claim's rows to where its journal says; None: there is no journal any more."""
    mine = Delivery.objects.select_for_update(of=("self",)).filter(fence=claim.pk)
    rows = list(
        mine.filter(state__in=[State.CLAIMED, State.IN_DOUBT])
        .order_by("pk")
        .values_list("pk", "state", "attempts", "first_attempt_at")
    )
    outcomes: list[tuple[int, Outcome]] = []
    back: list[int] = []
    for key, state, attempts, first in rows:
        entry = Entry(begun=True) if entries is None else entries.get(key)
        if entry is not None and entry.reply is not None:
            tried = attempts + (state == State.CLAIMED)
            word = retries.outcome(entry.reply, tried, first or now, now, random.random())  # noqa: S311
            outcomes.append((key, word))
        elif state == State.IN_DOUBT:
            continue
        elif entry is not None and entry.begun:
            outcomes.append((key, Outcome(State.IN_DOUBT, None, DOUBT, attempted=True)))
        else:
            back.append(key)
    batch = Batch(claim.pk, claim.edition, (), FOR_ALL)
    ledger.record(batch, outcomes, now)
    ledger.release(batch, back)
    swept.requeued += len(back)
    doubted = sum(word.state == State.IN_DOUBT for _, word in outcomes)
    swept.doubted += doubted
    swept.settled += len(outcomes) - doubted


def _settle_nameless(now: datetime) -> None:
    """Settle rows whose reader is gone without having been forgotten by the ledger."""
    Delivery.objects.filter(state__in=[0, 2], subscriber__isnull=True).update(
        state=State.SUPPRESSED, settled_at=now, reply=ERASED
    )


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
    return waiting.update(state=State.QUEUED, due_at=now + wait, fence=None, reply=AGAIN)


def _reopen(now: datetime) -> None:
    """Let an edition go on whose last doubt was resolved, after its end, by a "try again later"."""
    waiting = Delivery.objects.filter(edition=OuterRef("pk"), state=State.DEFERRED)
    Edition.objects.filter(
        Exists(waiting), state=Edition.State.SENT, finished_at__gt=now - LATE
    ).update(state=Edition.State.SENDING, finished_at=None)


def _finish(now: datetime) -> list[Edition]:
    """Close the editions that are planned and have nothing left to come."""
    to_come = Delivery.objects.filter(edition=OuterRef("pk"), state__in=[0, 2])
    in_hand = Delivery.objects.filter(edition=OuterRef("pk"), state=State.CLAIMED)
    again = _to_be_resent().filter(edition=OuterRef("pk"))
    done = Edition.objects.filter(
        ~Exists(to_come),
        ~Exists(in_hand),
        ~Exists(again),
        Q(planned_at__isnull=False),
        state=Edition.State.SENDING,
    )
    closed = {"state": Edition.State.SENT, "finished_at": now}
    finished = [edition for edition in done if done.filter(pk=edition.pk).update(**closed)]
    for edition in finished:
        log.info("edition sent", edition=edition.pk, **asdict(progress.balance(edition)))
    return finished


def _counts(swept: Swept) -> dict[str, int]:
    return {"settled": swept.settled, "doubted": swept.doubted, "requeued": swept.requeued}
