"""Complete what ended processes left behind.

journals of dead processes   recorded in the ledger: sent, uncertain, or due again; what one from
                             before the machine's last start does not mention is uncertain
expired leases               the same, by the journal of a frozen process; without one, uncertain
uncertain deliveries         sent again where the newsletter says so
cancelled issues, erased subscribers, issues with nothing left to send, counts
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.issues.models import Issue
from digest.newsletters.choices import UncertainPolicy
from digest.relays import retries
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.sending import chunks, domain_pauses, journal, ledger, progress
from digest.sending.chunks import ERASED, Members
from digest.sending.claiming import Batch
from digest.sending.journal import Entry
from digest.sending.models import Chunk, Claim, Delivery
from digest.subscribers.audience import FOR_ALL

log = structlog.get_logger(__name__)

State = Delivery.State

# A message that breaks the connection or the worker each time is left to a person in the end. The
# first time it is sent again at once, then after longer and longer waits.
MOST_TIMES_UNCERTAIN = 3
UNCERTAIN_WAIT = timedelta(minutes=5)
LATE = timedelta(days=1)  # longer than any relay takes to answer
RESENT = "Uncertain once; sent again, as the newsletter says."
CANCELLED = "The issue was cancelled."
_UNCERTAIN = Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)


@dataclass(slots=True)
class SweepResult:
    """What a sweep did, in deliveries."""

    requeued: int = 0
    uncertain: int = 0
    settled: int = 0  # by a journal
    resent: int = 0
    finished: list[Issue] = field(default_factory=list)


def sweep(now: datetime) -> SweepResult:
    """Complete what ended processes left behind, and finish issues with nothing left to send."""
    swept = SweepResult()
    _record_journals(swept, now)
    _record_expired(swept, now)
    _mark_unclaimed(swept, now)
    swept.resent = _resend_uncertain(now)
    settle_cancelled(now)
    _settle_anonymous(now)
    _reopen(now)
    progress.compact()
    swept.finished = _finish(now)
    return swept


def settle_cancelled(now: datetime, step: int = 20_000) -> int:
    """Settle the deliveries of cancelled issues, in bounded steps; return how many."""
    stopped = Issue.objects.filter(state=Issue.State.CANCELLED)
    waiting = Delivery.objects.filter(state__in=Delivery.DUE, issue__in=stopped)
    total = chunks.cancel(stopped, CANCELLED, now)
    while ids := list(waiting.values_list("pk", flat=True)[:step]):
        total += Delivery.objects.filter(pk__in=ids, state__in=Delivery.DUE).update(
            state=State.CANCELLED, settled_at=now, reply=CANCELLED
        )
    return total


def _record_journals(swept: SweepResult, now: datetime) -> None:
    """Record what the journals of dead processes of this machine say."""
    with journal.lock_abandoned() as names:
        for name in list(names):
            entries = journal.read(name)
            for claim in Claim.objects.filter(journal=name):
                if _try_to_settle(claim, entries, swept, now):
                    claim.delete()
                elif name in names:
                    names.remove(name)  # kept until the claim can be settled
            if entries:
                log.info("recorded the journal of a dead sender", journal=name, **_counts(swept))


def _record_expired(swept: SweepResult, now: datetime) -> None:
    """Settle claims whose lease has expired: by the journal, if it is on this machine.

    The journal of another machine is left to that machine, for the time of two more leases. If it
    does not come back, nobody can know what it did: all that it had claimed is uncertain. The claim
    of a process that is only frozen stays, so that a late reply can be recorded.
    """
    grace = timedelta(seconds=2 * settings.DIGEST_LEASE_SECONDS)
    for claim in Claim.objects.filter(lease_until__lt=Now(), swept=False):
        entries = journal.read(claim.journal)
        if entries is not None:
            if _try_to_settle(claim, entries, swept, now):
                Claim.objects.filter(pk=claim.pk).update(swept=True)
        elif Claim.objects.filter(pk=claim.pk, lease_until__lt=Now() - grace).exists():
            log.error("a machine and its journal are missing", fence=claim.pk)
            if _try_to_settle(claim, None, swept, now):
                claim.delete()


def _mark_unclaimed(swept: SweepResult, now: datetime) -> None:
    """Mark as uncertain what is claimed without a claim. This should never happen.

    Claim and deliveries change in one transaction, so one statement sees both or neither.
    """
    claims = Claim.objects.filter(fence=OuterRef("fence"))
    unclaimed = Delivery.objects.filter(~Exists(claims), state=State.CLAIMED)
    deliveries = unclaimed.update(
        state=State.UNCERTAIN, times_uncertain=F("times_uncertain") + 1, reply=UNCERTAIN_REPLY
    )
    unclaimed_chunks = Chunk.objects.filter(~Exists(claims), fence__isnull=False)
    for chunk in unclaimed_chunks:
        outcomes = [(key, _UNCERTAIN) for key in Members.of(chunk).subscriber_ids]
        deliveries += len(chunks.record(chunk.fence or 0, outcomes, now))
    if deliveries:
        log.error("deliveries without a claim", deliveries=deliveries)
        swept.uncertain += deliveries


def _try_to_settle(
    claim: Claim, entries: Mapping[int, Entry] | None, swept: SweepResult, now: datetime
) -> bool:
    """Settle a claim; return whether it worked: one that cannot be settled stops no other."""
    try:
        _settle_claim(claim, entries, swept, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("claim not settled", fence=claim.pk)
        return False
    return True


@transaction.atomic
def _settle_claim(
    claim: Claim, entries: Mapping[int, Entry] | None, swept: SweepResult, now: datetime
) -> None:
    """Settle the deliveries of a claim by its journal's entries; None: the journal is missing.

    Where lines may be missing, whatever has no reply counts as begun.
    """
    outcomes: list[tuple[int, Outcome]] = []
    unsent: list[int] = []
    is_whole = entries is not None and journal.is_whole(claim.journal)
    for key, state, attempts, first in _claimed(claim.pk):
        entry = (entries or {}).get(key)
        if not is_whole and (entry is None or entry.reply is None):
            entry = Entry(begun=True)
        if entry is not None and entry.reply is not None:
            attempt = attempts + (state == State.CLAIMED)
            jitter = random.random()  # noqa: S311
            # Which relay replied, and whether there is another one, is not written down.
            outcome = retries.outcome_of(
                entry.reply, attempt, first or now, now, jitter, has_alternative=True
            )
            outcomes.append((key, outcome))
        elif state == State.UNCERTAIN:
            continue
        elif entry is not None and entry.begun:
            outcomes.append((key, _UNCERTAIN))
        else:
            unsent.append(key)
    batch = Batch(claim.pk, claim.issue, (), FOR_ALL)
    ledger.record(batch, outcomes, now)
    if any(outcome.state == State.FAILED for _, outcome in outcomes):
        domain_pauses.defer_recorded(now)
    ledger.release(batch, unsent)
    swept.requeued += len(unsent)
    uncertain = sum(outcome.state == State.UNCERTAIN for _, outcome in outcomes)
    swept.uncertain += uncertain
    swept.settled += len(outcomes) - uncertain


def _claimed(fence: int) -> list[tuple[int, int, int, datetime | None]]:
    """Return what a claim holds, in rows and in a chunk: id, state, attempts, the first attempt."""
    rows = Delivery.objects.select_for_update(of=("self",)).filter(fence=fence)
    claimed = rows.filter(state__in=[State.CLAIMED, State.UNCERTAIN]).order_by("pk")
    members = chunks.members_of_claim(fence)
    return [
        *claimed.values_list("pk", "state", "attempts", "first_attempt_at"),
        *((key, State.CLAIMED, 0, None) for key in (members.subscriber_ids if members else ())),
    ]


def _settle_anonymous(now: datetime) -> None:
    """Settle deliveries whose subscriber was deleted other than by ledger.erase_subscriber."""
    Delivery.objects.filter(state__in=Delivery.DUE, subscriber__isnull=True).update(
        state=State.SUPPRESSED, settled_at=now, reply=ERASED
    )


def _resendable() -> QuerySet[Delivery]:
    """Return the uncertain deliveries of newsletters that send again when delivery is uncertain."""
    return Delivery.objects.filter(
        state=State.UNCERTAIN,
        subscriber__isnull=False,
        times_uncertain__lte=MOST_TIMES_UNCERTAIN,
        issue__newsletter__uncertain=UncertainPolicy.RESEND,
    )


def _resend_uncertain(now: datetime) -> int:
    """Queue the resendable deliveries of issues that are not finished."""
    open_states = [Issue.State.SENDING, Issue.State.PAUSED]
    waiting = _resendable().filter(issue__state__in=open_states)
    wait = ExpressionWrapper(
        (F("times_uncertain") - 1) * UNCERTAIN_WAIT, output_field=DurationField()
    )
    return waiting.update(state=State.QUEUED, due_at=now + wait, fence=None, reply=RESENT)


def _reopen(now: datetime) -> None:
    """Reopen an issue whose last uncertain delivery got a late "try again" after its end."""
    waiting = Delivery.objects.filter(issue=OuterRef("pk"), state=State.DEFERRED)
    Issue.objects.filter(
        Exists(waiting), state=Issue.State.SENT, finished_at__gt=now - LATE
    ).update(state=Issue.State.SENDING, finished_at=None)


def _finish(now: datetime) -> list[Issue]:
    """Finish the issues that are planned for everybody and have nothing left to send."""
    due = Delivery.objects.filter(issue=OuterRef("pk"), state__in=Delivery.DUE)
    in_flight = Delivery.objects.filter(issue=OuterRef("pk"), state=State.CLAIMED)
    untried = Chunk.objects.filter(issue=OuterRef("pk"))
    resendable = _resendable().filter(issue=OuterRef("pk"))
    sending = Issue.objects.filter(
        ~Exists(due),
        ~Exists(in_flight),
        ~Exists(untried),
        ~Exists(resendable),
        Q(planned_at__isnull=False, planned_through__isnull=True),
        state=Issue.State.SENDING,
        stands_open=False,
    )
    finished = [issue for issue in sending if _close(issue, sending, now)]
    for issue in finished:
        log.info("issue sent", issue=issue.pk, **asdict(progress.balance(issue)))
    return finished


@transaction.atomic
def _close(issue: Issue, sending: QuerySet[Issue], now: datetime) -> bool:
    """Close an issue if it is still among those to close; return whether it was.

    A planner that adds newcomers holds the issue. What it has committed is seen by the statement
    after the one that took the lock.
    """
    lock = Issue.objects.select_for_update(no_key=True, skip_locked=True)
    if lock.filter(pk=issue.pk).first() is None:
        return False
    return bool(sending.filter(pk=issue.pk).update(state=Issue.State.SENT, finished_at=now))


def _counts(swept: SweepResult) -> dict[str, int]:
    return {"settled": swept.settled, "uncertain": swept.uncertain, "requeued": swept.requeued}
