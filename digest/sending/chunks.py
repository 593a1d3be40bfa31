"""Chunks of deliveries that have not been tried: the part of the ledger that has no rows yet.

    claim     the next chunk that is due, or the first part of it, under a fence
    record    outcomes: what was sent is appended, the rest gets rows; both leave the chunk
    release   what was claimed and not begun is due again
    remove    deliveries that end without a sender: erased, cancelled

A chunk is locked while it changes. Rows of its subscribers are locked before: an erasure locks a
subscriber first and their chunk afterwards.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Self

from django.db import transaction
from django.db.models import QuerySet

from digest.core.database.copying import copy
from digest.core.database.statements import execute, fetch_column
from digest.issues.models import Issue
from digest.relays.retries import Outcome
from digest.sending.models import SQL_STATES, Chunk, Delivery

State = Delivery.State

ERASED = "The subscriber was erased."


@dataclass(frozen=True, slots=True)
class Members:
    """The deliveries in a chunk, or in a part of it: subscribers' ids by the deliveries' own."""

    issue_id: int
    due_at: datetime
    subscriber_ids: Mapping[int, int]

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        """Return what is in a chunk."""
        places = enumerate(chunk.subscriber_ids, chunk.first_id)
        members = {key: subscriber for key, subscriber in places if subscriber is not None}
        return cls(chunk.issue_id, chunk.due_at, members)

    def subset(self, keys: Collection[int]) -> Self:
        """Return the part with these deliveries."""
        return self._with(
            {key: self.subscriber_ids[key] for key in self.subscriber_ids if key in keys}
        )

    def without(self, keys: Collection[int]) -> Self:
        """Return the part without these deliveries."""
        left = {key: name for key, name in self.subscriber_ids.items() if key not in keys}
        return self._with(left)

    def _with(self, subscriber_ids: Mapping[int, int]) -> Self:
        return type(self)(self.issue_id, self.due_at, subscriber_ids)


class SettledDelivery(NamedTuple):
    """What becomes of a delivery of a chunk."""

    id: int
    subscriber_id: int | None  # None: erased
    outcome: Outcome


def claim(issue: Issue, limit: int, fence: int, now: datetime) -> Members | None:
    """Put at most `limit` deliveries of the issue's next chunk under a fence.

    None if none is due, or the issue is not sending, or has another revision. In the caller's
    transaction.
    """
    running = {"issue__state": Issue.State.SENDING, "issue__revision": issue.revision}
    due = Chunk.objects.filter(issue=issue.pk, fence=None, due_at__lte=now, **running)
    chunk = due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "first_id")
    if (row := chunk.first()) is None:
        return None
    members = Members.of(row)
    if row.size <= limit:
        Chunk.objects.filter(pk=row.pk).update(fence=fence)
        return members
    first_part = members.subset(frozenset(islice(members.subscriber_ids, limit)))
    _replace(row, {fence: first_part, None: members.without(first_part.subscriber_ids)})
    return first_part


@transaction.atomic
def record(fence: int, outcomes: Sequence[tuple[int, Outcome]], now: datetime) -> frozenset[int]:
    """Record outcomes of deliveries that are in a chunk under this fence; return their ids."""
    by_key = dict(outcomes)
    exceptions = {key for key, outcome in outcomes if outcome.state != State.SENT}
    existing = _lock_of_claim(fence, exceptions) if exceptions else frozenset()
    chunk = _lock_claimed(fence)
    if chunk is None:
        return frozenset()
    members = Members.of(chunk)
    settling = members.subset(by_key)
    settled = [
        SettledDelivery(key, name, by_key[key]) for key, name in settling.subscriber_ids.items()
    ]
    _append_sent(chunk.issue_id, [row for row in settled if row.id not in exceptions], now)
    rows = [_existing(row, existing) for row in settled if row.id in exceptions]
    _insert_rows(members, rows, now, fence)
    _replace(chunk, {fence: members.without(settling.subscriber_ids)})
    return frozenset(settling.subscriber_ids)


@transaction.atomic
def release(fence: int, keys: Iterable[int] | None = None) -> None:
    """Make deliveries of a chunk due again that were not begun: these, or all that are left."""
    chunk = _lock_claimed(fence)
    if chunk is None:
        return
    members = Members.of(chunk)
    released = members.subset(members.subscriber_ids if keys is None else set(keys))
    _replace(chunk, {fence: members.without(released.subscriber_ids), None: released})


def members_of_claim(fence: int) -> Members | None:
    """Return what a chunk has under this fence; None without one.

    No lock is needed to settle it: `record` and `release` take only what is still there.
    """
    chunk = Chunk.objects.filter(fence=fence).first()
    return Members.of(chunk) if chunk else None


def cancel(issues: QuerySet[Issue], reply: str, now: datetime) -> int:
    """Give deliveries of issues that nobody has claimed rows as cancelled ones; return how many.

    One chunk after the other, each in a transaction of its own.
    """
    total = 0
    waiting = Chunk.objects.filter(issue__in=issues, fence=None)
    while key := waiting.values_list("pk", flat=True).first():
        total += _cancel(key, reply, now)
    return total


def erase(subscriber_id: int, now: datetime) -> None:
    """Take a subscriber out of all chunks: an anonymous row says that they are suppressed.

    In the transaction of the caller, who has locked the subscriber.
    """
    outcome = Outcome(State.SUPPRESSED, None, ERASED)
    of_subscriber = {
        "highest__gte": subscriber_id,
        "lowest__lte": subscriber_id,
        "subscriber_ids__contains": [subscriber_id],
    }
    while Chunk.objects.filter(**of_subscriber).exists():  # see _lock_claimed
        for chunk in _locked().filter(**of_subscriber).order_by("pk"):
            members = Members.of(chunk)
            keys = [key for key, name in members.subscriber_ids.items() if name == subscriber_id]
            _insert_rows(members, [SettledDelivery(key, None, outcome) for key in keys], now)
            _replace(chunk, {chunk.fence: members.without(keys)})


def outcome_columns(outcomes: Sequence[Outcome], now: datetime) -> list[list[Any]]:
    """Return outcomes as columns for SQL: state, due_at, settled_at, code, reply, attempted."""
    return [
        [int(outcome.state) for outcome in outcomes],
        [outcome.due_at for outcome in outcomes],
        [now if outcome.settled else None for outcome in outcomes],
        [outcome.code for outcome in outcomes],
        [outcome.reply for outcome in outcomes],
        [outcome.attempted for outcome in outcomes],
    ]


@transaction.atomic
def _cancel(key: int, reply: str, now: datetime) -> int:
    present = Chunk.objects.filter(pk=key).first()
    if present is None:
        return 0
    existing = _lock_subscribers(Members.of(present))
    chunk = _locked().filter(pk=key, fence=None).first()
    if chunk is None:
        return 0
    members, outcome = Members.of(chunk), Outcome(State.CANCELLED, None, reply)
    settled = [
        SettledDelivery(number, name, outcome) for number, name in members.subscriber_ids.items()
    ]
    rows = [_existing(row, existing) for row in settled]
    _insert_rows(members, rows, now)
    chunk.delete()
    return len(rows)


def _lock_claimed(fence: int) -> Chunk | None:
    """Lock and return the chunk with a fence; None if there is none.

    While we waited for its lock another transaction may have put a new row in its place. The
    statement that waited cannot see that row, and returns nothing; the next one sees it.
    """
    while (chunk := _locked().filter(fence=fence).first()) is None:
        if not Chunk.objects.filter(fence=fence).exists():
            return None
    return chunk


def _locked() -> QuerySet[Chunk]:
    return Chunk.objects.select_for_update(of=("self",))


def _existing(row: SettledDelivery, existing: Collection[int]) -> SettledDelivery:
    """Return the row, or what is left of it when its subscriber was deleted meanwhile."""
    if row.subscriber_id in existing:
        return row
    return SettledDelivery(row.id, None, Outcome(State.SUPPRESSED, None, ERASED))


def _lock_of_claim(fence: int, keys: Collection[int]) -> frozenset[int]:
    """Hold the subscribers of some deliveries under a fence; return those that exist."""
    members = members_of_claim(fence)
    return _lock_subscribers(members.subset(keys)) if members else frozenset()


def _lock_subscribers(members: Members) -> frozenset[int]:
    """Hold subscribers until the transaction ends; return those that exist."""
    return frozenset(
        fetch_column(
            "SELECT id FROM subscribers_subscriber WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [list(members.subscriber_ids.values())],
        )
    )


def _append_sent(issue_id: int, rows: Sequence[SettledDelivery], now: datetime) -> None:
    if not rows:
        return
    # Joined here: psycopg would adapt each value on its own, which takes three times as long.
    at = str(now)
    lines = [
        f"{issue_id}\t{row.subscriber_id}\t{row.id}\t{at}\t"
        f"{_NULL if row.outcome.code is None else row.outcome.code}\t"
        f"{row.outcome.reply.translate(_COPY_ESCAPES)}\n"
        for row in rows
    ]
    with copy(_COPY_SENT) as rows_sent:
        rows_sent.write("".join(lines))


_COPY_SENT = (
    "COPY sending_sentdelivery (issue_id, subscriber_id, id, at, reply_code, reply) FROM STDIN"
)
_NULL = r"\N"
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _insert_rows(
    members: Members, rows: Sequence[SettledDelivery], now: datetime, fence: int | None = None
) -> None:
    """Give deliveries rows of their own; the fence stays with those that are uncertain."""
    if not rows:
        return
    names: list[list[Any]] = [[row.id for row in rows], [row.subscriber_id for row in rows]]
    columns = outcome_columns([row.outcome for row in rows], now)
    execute(
        _INSERT_ROWS.format(**SQL_STATES),
        [members.issue_id, members.due_at, now, fence, *names, *columns],
    )


_INSERT_ROWS = """
INSERT INTO sending_delivery (id, issue_id, subscriber_id, state, due_at, attempts,
    first_attempt_at, times_uncertain, fence, settled_at, reply_code, reply)
SELECT outcome.id, planned.issue_id, outcome.subscriber_id, outcome.state,
    coalesce(outcome.due_at, planned.due_at), outcome.attempted::int,
    CASE WHEN outcome.attempted THEN planned.now END, (outcome.state = {uncertain})::int,
    CASE WHEN outcome.state = {uncertain} THEN planned.fence END,
    outcome.settled_at, outcome.code, outcome.reply
FROM (SELECT %s::bigint, %s::timestamptz, %s::timestamptz, %s::bigint)
    AS planned(issue_id, due_at, now, fence),
unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::timestamptz[], %s::timestamptz[],
    %s::smallint[], %s::text[], %s::bool[])
    AS outcome(id, subscriber_id, state, due_at, settled_at, code, reply, attempted)
"""


def _replace(chunk: Chunk, parts: Mapping[int | None, Members]) -> None:
    """Put parts of a chunk, by their fences, in its place; empty ones vanish.

    Deliveries keep their ids: each part begins with its first one.
    """
    pieces = [_piece(fence, members) for fence, members in parts.items() if members.subscriber_ids]
    if [piece.pk for piece in pieces] == [chunk.pk]:
        pieces[0].save(force_update=True)
        return
    chunk.delete()
    Chunk.objects.bulk_create(pieces)


def _piece(fence: int | None, members: Members) -> Chunk:
    keys = members.subscriber_ids.keys()
    subscriber_ids = [members.subscriber_ids.get(key) for key in range(min(keys), max(keys) + 1)]
    present = members.subscriber_ids.values()
    return Chunk(
        first_id=min(keys),
        issue_id=members.issue_id,
        due_at=members.due_at,
        fence=fence,
        subscriber_ids=subscriber_ids,
        size=len(present),
        lowest=min(present),
        highest=max(present),
    )
