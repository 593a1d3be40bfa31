"""Pick up what was left lying, wherever a process ended.

journals of dead processes     folded into the ledger: sent, uncertain, or back to the queue
leases that ran out            the same by the journal of a frozen process; without one, uncertain
what is uncertain               sent again where the newsletter says so
cancelled issues, erased subscribers, issues with nothing left to come, counts
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

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays import retries
from digest.relays.retries import Outcome
from digest.sending import journal, ledger, progress
from digest.sending.journal import Entry
from digest.sending.ledger import ERASED, UNCERTAIN_REPLY, Batch
from digest.sending.models import Claim, Delivery
from digest.subscribers.audience import FOR_ALL

log = structlog.get_logger(__name__)

State = Delivery.State

# A message that breaks the line or the worker each time is left to a person in the end. The first
# time it goes out again at once, then later and later.
MOST_TIMES_UNCERTAIN = 3
UNCERTAIN_WAIT = timedelta(minutes=5)
LATE = timedelta(days=1)  # longer than any relay takes to answer
AGAIN = "Uncertain once; sent again, as the newsletter says."
CANCELLED = "The issue was cancelled."


@dataclass(slots=True)
class Swept:
    """What a sweep found."""

    requeued: int = 0
    doubted: int = 0
    settled: int = 0  # by a dead process's journal
    resent: int = 0
    finished: list[Issue] = field(default_factory=list)


def sweep(now: datetime) -> Swept:
    """Pick up what was left lying, and finish issues with nothing left to come."""
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
    """Record as cancelled what waits in cancelled issues, in bounded steps; return how many."""
    stopped = Issue.objects.filter(state=Issue.State.CANCELLED)
    waiting = Delivery.objects.filter(state__in=[0, 2], issue__in=stopped)
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
    Nobody can know what a machine did that does not come back: all it had in hand is uncertain.
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
    """Put uncertain what bears the fence of no claim: it should not be, and nobody else would look.

    Claim and rows change in one transaction, so one statement sees both or neither.
    """
    claims = Claim.objects.filter(fence=OuterRef("fence"))
    stray = Delivery.objects.filter(~Exists(claims), state=State.CLAIMED)
    if found := stray.update(
        state=State.UNCERTAIN, times_uncertain=F("times_uncertain") + 1, reply=UNCERTAIN_REPLY
    ):
        log.error("claimed by nobody", deliveries=found)
        swept.doubted += found


@transaction.atomic
def _fold(claim: Claim, entries: Mapping[int, Entry] | None, swept: Swept, now: datetime) -> None:
    """Bring one claim's rows to where its journal says; None: there is no journal any more."""
    mine = Delivery.objects.select_for_update(of=("self",)).filter(fence=claim.pk)
    rows = list(
        mine.filter(state__in=[State.CLAIMED, State.UNCERTAIN])
        .order_by("pk")
        .values_list("pk", "state", "attempts", "first_attempt_at")
    )
    outcomes: list[tuple[int, Outcome]] = []
    back: list[int] = []
    for key, state, attempts, first in rows:
        entry = Entry(begun=True) if entries is None else entries.get(key)
        if entry is not None and entry.reply is not None:
            tried = attempts + (state == State.CLAIMED)
            word = retries.outcome_of(entry.reply, tried, first or now, now, random.random())  # noqa: S311
            outcomes.append((key, word))
        elif state == State.UNCERTAIN:
            continue
        elif entry is not None and entry.begun:
            outcomes.append((key, Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)))
        else:
            back.append(key)
    batch = Batch(claim.pk, claim.issue, (), FOR_ALL)
    ledger.record(batch, outcomes, now)
    ledger.release(batch, back)
    swept.requeued += len(back)
    doubted = sum(word.state == State.UNCERTAIN for _, word in outcomes)
    swept.doubted += doubted
    swept.settled += len(outcomes) - doubted


def _settle_nameless(now: datetime) -> None:
    """Settle rows whose subscriber is gone without having been forgotten by the ledger."""
    Delivery.objects.filter(state__in=[0, 2], subscriber__isnull=True).update(
        state=State.SUPPRESSED, settled_at=now, reply=ERASED
    )


def _to_be_resent() -> QuerySet[Delivery]:
    """Return what is uncertain where the newsletter would rather mail twice than never."""
    return Delivery.objects.filter(
        state=State.UNCERTAIN,
        subscriber__isnull=False,
        times_uncertain__lte=MOST_TIMES_UNCERTAIN,
        issue__newsletter__uncertain=Newsletter.InDoubt.RESEND,
    )


def _resend_doubted(now: datetime) -> int:
    """Queue what is to be sent again in issues that are not over."""
    open_states = [Issue.State.SENDING, Issue.State.PAUSED]
    waiting = _to_be_resent().filter(issue__state__in=open_states)
    wait = ExpressionWrapper(
        (F("times_uncertain") - 1) * UNCERTAIN_WAIT, output_field=DurationField()
    )
    return waiting.update(state=State.QUEUED, due_at=now + wait, fence=None, reply=AGAIN)


def _reopen(now: datetime) -> None:
    """Let an issue go on whose last doubt was resolved, after its end, by a "try again later"."""
    waiting = Delivery.objects.filter(issue=OuterRef("pk"), state=State.DEFERRED)
    Issue.objects.filter(
        Exists(waiting), state=Issue.State.SENT, finished_at__gt=now - LATE
    ).update(state=Issue.State.SENDING, finished_at=None)


def _finish(now: datetime) -> list[Issue]:
    """Close the issues that are planned and have nothing left to come."""
    to_come = Delivery.objects.filter(issue=OuterRef("pk"), state__in=[0, 2])
    in_hand = Delivery.objects.filter(issue=OuterRef("pk"), state=State.CLAIMED)
    again = _to_be_resent().filter(issue=OuterRef("pk"))
    done = Issue.objects.filter(
        ~Exists(to_come),
        ~Exists(in_hand),
        ~Exists(again),
        Q(planned_at__isnull=False),
        state=Issue.State.SENDING,
    )
    closed = {"state": Issue.State.SENT, "finished_at": now}
    finished = [issue for issue in done if done.filter(pk=issue.pk).update(**closed)]
    for issue in finished:
        log.info("issue sent", issue=issue.pk, **asdict(progress.balance(issue)))
    return finished


def _counts(swept: Swept) -> dict[str, int]:
    return {"settled": swept.settled, "doubted": swept.doubted, "requeued": swept.requeued}
