"""Copy what is new in the database into the log.

A row is written once. `cursor.json` says up to which id all rows are in the log, and which later
ones are: a transaction may commit an id after a later one has been read.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Model, Q

from digest.core.database.statements import fetch_row
from digest.installation.heartbeat import installation_row
from digest.issues.models import Issue
from digest.recovery.evidence import log
from digest.sending.progress import progress
from digest.subscribers.hashing import PREFIX, hash_address
from digest.subscribers.models import ConsentEvent, Subscriber, Suppression

SETTLED = timedelta(minutes=5)  # older rows are all visible: no transaction is open for so long
MOST = 20_000  # rows of each kind in one go

Action = ConsentEvent.Action
State = Issue.State


@dataclass(slots=True)
class Position:
    """How far one table is in the log."""

    low: int  # all rows up to this id
    later: list[int] = field(default_factory=list)  # and these


@dataclass(slots=True)
class Cursor:
    """How far all of them are."""

    installation: str  # its key: after a restore the rows are others
    consent: Position
    suppressions: Position
    issues: dict[str, int] = field(default_factory=dict)  # ids: mails sent at their last entry


def record_new(now: datetime) -> int:
    """Write what is new, and delete old files; return the number of entries. Raises OSError."""
    with log.lock() as is_ours:
        if not is_ours:
            return 0
        cursor = _read_cursor()
        entries = [
            *_consent_entries(cursor.consent, now),
            *_suppression_entries(cursor.suppressions, now),
            *_issue_entries(cursor.issues, now),
        ]
        log.append(entries, now)
        _write_cursor(cursor)
        log.delete_old(now)
    return len(entries)


def _consent_entries(position: Position, now: datetime) -> list[dict[str, Any]]:
    rows = list(
        ConsentEvent.objects.filter(pk__gt=position.low)
        .order_by("pk")
        .values_list("pk", "at", "action", "subscriber_id", "newsletter_id")[:MOST]
    )
    leaving = (Action.UNSUBSCRIBED, Action.CONFIRMED, Action.RESTORED)
    fresh = [row for row in rows if row[0] not in position.later and row[2] in leaving]
    subscribers = Subscriber.objects.filter(pk__in={row[3] for row in fresh})
    keys = dict(subscribers.values_list("pk", "address_key"))
    _advance(position, [(row[0], row[1]) for row in rows], now)
    return [
        {
            "at": at.isoformat(),
            "event": str(action),
            "subscriber": subscriber,
            "newsletter": newsletter,
            "address": hash_address(keys[subscriber]),
        }
        for _, at, action, subscriber, newsletter in fresh
        if subscriber in keys
    ]


def _suppression_entries(position: Position, now: datetime) -> list[dict[str, Any]]:
    rows = list(Suppression.objects.filter(pk__gt=position.low).order_by("pk")[:MOST])
    fresh = [row for row in rows if row.pk not in position.later]
    _advance(position, [(row.pk, row.erased_at or row.created_at) for row in rows], now)
    return [
        {
            "at": (row.erased_at or row.created_at).isoformat(),
            "event": "suppressed",
            "newsletter": row.newsletter_id,
            "reason": row.reason,
            "erased": row.erased_at is not None,
            "address": row.address_key
            if row.address_key.startswith(PREFIX)
            else hash_address(row.address_key),
        }
        for row in fresh
    ]


def _issue_entries(written: dict[str, int], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield an entry for each issue that has been sent further; change what was written.

    Also of one that somebody stopped within seconds.
    """
    stopped = Q(state=State.PAUSED) | Q(finished_at__gt=now - SETTLED, state=State.CANCELLED)
    recent = Q(state=State.SENDING) | Q(finished_at__gt=now - SETTLED, state=State.SENT)
    recent |= Q(stopped, planned_at__isnull=False)
    before = dict(written)
    written.clear()
    for issue in Issue.objects.filter(recent).order_by("pk"):
        sent = progress(issue).sent
        written[str(issue.pk)] = sent
        if before.get(str(issue.pk)) != sent:
            yield {
                "at": now.isoformat(),
                "event": "sent",
                "issue": issue.pk,
                "newsletter": issue.newsletter_id,
                "slot": issue.slot.isoformat(),
                "mails": sent,
            }


def _advance(position: Position, rows: Sequence[tuple[int, datetime]], now: datetime) -> None:
    """Note that these rows, all behind `low` and in the order of their ids, are in the log."""
    settled = [key for key, at in rows if at < now - SETTLED]
    if len(rows) == MOST:
        settled = [rows[-1][0]]  # more of them wait: there is no time to look twice
    position.low = max([position.low, *settled])
    position.later = [key for key, _ in rows if key > position.low]


def _read_cursor() -> Cursor:
    """Return where we are; at the end of the tables where these data have no cursor here."""
    key = str(installation_row().key)
    try:
        values = json.loads((log.folder() / "cursor.json").read_text())
        cursor = Cursor(
            values["installation"],
            Position(**values["consent"]),
            Position(**values["suppressions"]),
            values["issues"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        cursor = Cursor("", Position(0), Position(0))
    # An id that was never given is of another state: an older one was restored. Sequences say so,
    # not rows: an erasure or a lifted suppression deletes the last row.
    positions = {ConsentEvent: cursor.consent, Suppression: cursor.suppressions}
    is_older = any(position.low > _last_given_id(model) for model, position in positions.items())
    if cursor.installation != key or is_older:
        return Cursor(key, Position(_last_id(ConsentEvent)), Position(_last_id(Suppression)))
    return cursor


def _write_cursor(cursor: Cursor) -> None:
    """Write it to the disk, too: without it the log would begin again at the end of the tables."""
    path = log.folder() / "cursor.json"
    unfinished = path.with_suffix(".new")
    with unfinished.open("w") as file:
        file.write(json.dumps(asdict(cursor)))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _last_id(model: type[Model]) -> int:
    highest: int | None = model._default_manager.aggregate(highest=Max("pk"))["highest"]  # noqa: SLF001
    return highest or 0


def _last_given_id(model: type[Model]) -> int:
    """Return the last id that the table's sequence gave, whatever became of its row."""
    last_value: int | None = fetch_row(
        "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)",
        [model._meta.db_table],  # noqa: SLF001
    )[0]
    return last_value or 0
