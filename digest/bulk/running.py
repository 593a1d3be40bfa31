"""Changes that were confirmed: begun, made chunk after chunk, stopped, undone.

    begin, stop, undo    what an editor decides
    run_due              claim a chunk > sort its subscribers > change or restore them > finish

A chunk is changed and settled in one transaction, under a lock on its change: no chunk follows a
stop. Invitations and erasures are a transaction each; if a worker dies among them, another goes on,
and nobody is invited twice.
"""

import time
from collections import Counter
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from digest.accounts import audit
from digest.bulk import selecting
from digest.bulk.actions import Action, action_of
from digest.bulk.errors import BulkError, LeaseLostError
from digest.bulk.models import BulkChange, BulkChunk, BulkItem
from digest.core import clock, jobs
from digest.core.database import leases, optimizer
from digest.core.errors import DigestError
from digest.core.text import counted
from digest.installation import holds
from digest.subscribers.models import ConsentEvent, Profile, Subscription

LEASE = timedelta(minutes=10)  # for a chunk
BUDGET = 20  # seconds of a job; then it is enqueued again
UNDO_LASTS = timedelta(days=7)
KEEP_REPORT = timedelta(days=90)
_RESTORED = (
    "These data were restored, or moved here, after this had begun: more subscribers may have got "
    "this mail than they know of. Prepare the change again for those who did not."
)
_CHANGED = (Subscription, ConsentEvent, Profile)  # what large changes write

State = BulkChange.State

log = structlog.get_logger(__name__)


def begin(change: BulkChange, now: datetime, *, entered: str = "") -> None:
    """Begin a draft; a small one is made at once.

    Raises BulkError if it has begun already, or does something else by now than `change` says.

    `entered` is the number of subscribers as a person typed it, for what cannot be undone.
    """
    action = action_of(change)
    if needs_number(change) and entered.strip().replace(",", "") != str(change.selected):
        raise BulkError(f"Enter the number {change.selected} to confirm. Nothing was changed.")
    drafts = BulkChange.objects.filter(pk=change.pk, state=State.DRAFT)
    drafts = drafts.filter(kind=change.kind, values=change.values)
    if not drafts.update(state=State.RUNNING, begun_at=now):
        if BulkChange.objects.filter(pk=change.pk, state=State.DRAFT).exists():
            raise BulkError("This change was prepared differently meanwhile. Look at it again.")
        raise BulkError("This change has begun already.")
    if action.is_atomic and change.selected <= selecting.CHUNK:
        run_chunks(now, change)
    else:
        jobs.enqueue(jobs.CHANGE_SUBSCRIBERS)


def needs_number(change: BulkChange) -> bool:
    """Say whether a person has to type the number of subscribers before a change begins."""
    return change.kind == BulkChange.Kind.ERASE


@transaction.atomic
def stop(change: BulkChange, now: datetime) -> None:
    """Stop a change that is being made; what is changed stays so until it is undone."""
    running = BulkChange.objects.filter(pk=change.pk, state=State.RUNNING)
    if not running.update(state=State.STOPPED, finished_at=now):
        raise BulkError("This change is not in progress.")


def can_undo(change: BulkChange, now: datetime) -> bool:
    """Say whether a change can be undone: within seven days, if what it did can be taken back."""
    is_over = change.state in {State.DONE, State.STOPPED} and change.finished_at is not None
    if not (is_over and change.changed and action_of(change).can_undo):
        return False
    return undo_until(change) > now


@transaction.atomic
def discard(change: BulkChange) -> None:
    """Delete a draft; its subscribers stay as they are. Raises BulkError if it has begun."""
    draft = _locked(change, State.DRAFT)
    if draft is None:
        raise BulkError("This change has begun already. Stop or undo it.")
    draft.delete()


def undo_until(change: BulkChange) -> datetime:
    """Return until when a change that is over can be undone."""
    return (change.finished_at or change.created_at) + UNDO_LASTS


def undo(change: BulkChange, now: datetime) -> None:
    """Begin to undo a change; raise BulkError where that is not possible (any more)."""
    if not can_undo(change, now):
        raise BulkError("This change cannot be undone any more.")
    rows = BulkChange.objects.filter(pk=change.pk, state=change.state)
    if not rows.update(state=State.UNDOING):
        raise BulkError("This change is being undone already.")
    if change.selected <= selecting.CHUNK:
        run_chunks(now, change)
    else:
        jobs.enqueue(jobs.CHANGE_SUBSCRIBERS)


def run_due(now: datetime) -> None:
    """Make and undo changes for some seconds, and delete old ones."""
    start = time.monotonic()
    while time.monotonic() - start < BUDGET:
        if not run_chunks(clock.now(), most=1):
            break
    else:
        jobs.enqueue(jobs.CHANGE_SUBSCRIBERS)
    selecting.delete_drafts(now)
    _delete_old(now)


def run_chunks(now: datetime, change: BulkChange | None = None, most: int = 1_000_000) -> int:
    """Change or restore the chunks that are due, of one change or of all; return how many."""
    rows = BulkChunk.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), _DUE)
    if change:
        rows = rows.filter(change=change)
    done = 0
    while done < most:
        chunks = leases.claim(
            rows.order_by("change_id", "pk"),
            1,
            now + LEASE,
            related=("change__publication", "change__user"),
        )
        if not chunks:
            break
        _run(chunks[0], now)
        done += 1
    return done


_DUE = Q(change__state=State.RUNNING, settled_at=None) | Q(
    change__state=State.UNDOING, settled_at__isnull=False, undone_at=None
)


def _run(chunk: BulkChunk, now: datetime) -> None:
    change = chunk.change
    try:
        if change.state == State.UNDOING:
            _undo_chunk(chunk, now)
        else:
            _change_chunk(chunk, now)
    except LeaseLostError:
        log.warning("chunk left to another worker", change=change.pk)
    except DigestError as problem:
        log.warning("bulk change stopped", change=change.pk, problem=str(problem))
        running = BulkChange.objects.filter(pk=change.pk, state=State.RUNNING)
        running.update(state=State.STOPPED, finished_at=now, note=str(problem))
        leases.finish(chunk)
    else:
        _finish_over(change, now)


def _change_chunk(chunk: BulkChunk, now: datetime) -> None:
    change, action = chunk.change, action_of(chunk.change)
    if action.sends_mail and change.begun_at and holds.were_restored_since(change.begun_at, now):
        raise BulkError(_RESTORED)
    if action.is_atomic:
        with transaction.atomic():
            if _locked(change, State.RUNNING):
                _settle(chunk, action, now)
    elif BulkChange.objects.filter(pk=change.pk, state=State.RUNNING).exists():
        _settle(chunk, action, now)


@transaction.atomic
def _undo_chunk(chunk: BulkChunk, now: datetime) -> None:
    change = _locked(chunk.change, State.UNDOING)
    if change is None:
        return
    before = dict(chunk.items.values_list("subscriber_id", "before"))
    restored = action_of(change).undo(chunk, before, now)
    _require_lease(leases.finish(chunk, undone_at=now, restored=restored))
    change.restored += restored
    change.save(update_fields=["restored"])


def _settle(chunk: BulkChunk, action: Action, now: datetime) -> None:
    """Change the subscribers of a chunk, and count them."""
    change = chunk.change
    sorting = action.sort(change, chunk.subscriber_ids, locks=action.is_atomic)
    action.apply(change, list(sorting.changing), now)
    if action.can_undo:
        BulkItem.objects.bulk_create(
            BulkItem(chunk=chunk, subscriber_id=subscriber_id, before=before)
            for subscriber_id, before in sorting.changing.items()
        )
    reasons = {reason: len(ids) for reason, ids in sorting.refused.items()}
    with transaction.atomic():
        counted = BulkChange.objects.select_for_update().get(pk=change.pk)
        changed = len(sorting.changing)
        _require_lease(leases.finish(chunk, settled_at=now, changed=changed, reasons=reasons))
        counted.changed += changed
        counted.reasons = dict(Counter(counted.reasons) + Counter(reasons))
        counted.save(update_fields=["changed", "reasons"])


def _locked(change: BulkChange, state: BulkChange.State) -> BulkChange | None:
    """Return the change, locked, if it is still in a state."""
    return BulkChange.objects.select_for_update().filter(pk=change.pk, state=state).first()


def _require_lease(is_ours: bool) -> None:  # noqa: FBT001  one word at each call
    if not is_ours:
        raise LeaseLostError


@transaction.atomic
def _finish_over(change: BulkChange, now: datetime) -> None:
    """Finish a change of which no chunk is left."""
    row = (
        BulkChange.objects.select_for_update(of=("self",)).select_related("user").get(pk=change.pk)
    )
    if row.state == State.RUNNING and not row.chunks.filter(settled_at=None).exists():
        row.state, row.finished_at = State.DONE, now
        result = f"{row.changed:,} of {counted(row.selected, 'subscriber')} changed"
    elif (
        row.state == State.UNDOING
        and not row.chunks.filter(settled_at__isnull=False, undone_at=None).exists()
    ):
        row.state, row.undone_at = State.UNDONE, now
        result = f"undone for {row.restored:,} of {counted(row.changed, 'subscriber')}"
    else:
        return
    row.save(update_fields=["state", "finished_at", "undone_at"])
    _record(row, result, now)
    optimizer.refresh_statistics(_CHANGED)


def _record(change: BulkChange, result: str, now: datetime) -> None:
    """Record the result in the audit log; no address stands in it."""
    action = f"{action_of(change).describe(change)}: {result}"
    if change.user:
        audit.record(
            change.user,
            action,
            now,
            target=change.selection,
            publication_id=change.publication_id,
        )
    else:
        audit.record_command(
            "Digest", action, now, target=change.selection, publication_id=change.publication_id
        )


def _delete_old(now: datetime) -> None:
    """Delete what undoing needed once it is too late for that, and old reports."""
    over = BulkChange.objects.filter(finished_at__lt=now - UNDO_LASTS).exclude(state=State.UNDOING)
    BulkItem.objects.filter(chunk__change__in=over).delete()
    BulkChunk.objects.filter(change__in=over).delete()
    BulkChange.objects.filter(finished_at__lt=now - KEEP_REPORT).delete()
