"""A batch of hits becomes rows: here privacy settings apply, as they are at this moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction

from digest.analytics.models import Hit, HitKind
from digest.analytics.recording import visitors
from digest.analytics.recording.agents import classify
from digest.analytics.recording.hits import NewHit
from digest.analytics.recording.targets import TARGETS
from digest.core import client_ip
from digest.core.database.copying import copy
from digest.core.database.statements import fetch_column, fetch_rows
from digest.core.links import Row
from digest.issues.models import Issue
from digest.newsletters.models import Tracking

_COLUMNS = (
    "id, at, issue_id, link_id, kind, subscriber_id, visitor, network, agent, reasons, variant"
)

_HOLD = """
SELECT id, uuid FROM subscribers_subscriber WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE
"""


class _Settings(NamedTuple):
    """What the publication of an issue counts now."""

    uuid: UUID  # of the issue
    tracking: str
    opens: bool


def write(hits: Sequence[NewHit], ids: list[int]) -> None:
    """Write a batch in one transaction; the ids of its rows are put into `ids` before that.

    Called again with the same ids, it writes nothing if the first call did after all: the answer
    to its COMMIT may have been lost. Raises OperationalError or InterfaceError while PostgreSQL is
    away.
    """
    TARGETS.renew({hit.link_id for hit in hits if hit.link_id})
    for day in {_day_of(hit) for hit in hits}:
        visitors.salt_of(day)  # here, and not in a transaction that may be undone
    try:
        with transaction.atomic():
            rows = list(_rows(hits))
            if not ids:
                ids += _next_ids(len(rows))
            _copy(zip(ids, rows, strict=False))
    except IntegrityError:  # these ids are ours: the rows are there
        if not Hit.objects.filter(pk=ids[0]).exists():
            raise


def _rows(hits: Sequence[NewHit]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of hits, without those that may not be counted."""
    settings = _settings(hits)
    subscribers = _subscribers(hits, settings)
    for hit in hits:
        counts = settings.get(hit.issue_id)
        if counts is None or not _is_counted(hit, counts):
            continue
        subscriber = _clicker(hit, counts, subscribers)
        if subscriber:
            visitor = visitors.of_subscriber(subscriber.uuid)
        else:
            salt = visitors.salt_of(_day_of(hit))
            visitor = visitors.of_client(hit.client, hit.issue_id, salt)
        network = client_ip.counted_as(hit.client.address, v4=24, v6=48)
        subscriber_id = subscriber.pk if subscriber else None
        yield (
            *(hit.at, hit.issue_id, hit.link_id, int(hit.kind), subscriber_id),
            *(visitor, network, classify(hit.client), 0, hit.variant),
        )


def _day_of(hit: NewHit) -> date:
    return hit.at.astimezone(UTC).date()


def _settings(hits: Iterable[NewHit]) -> dict[int, _Settings]:
    rows = Issue.objects.filter(pk__in={hit.issue_id for hit in hits}).values_list(
        "pk", "uuid", "newsletter__publication__tracking", "newsletter__publication__track_opens"
    )
    return {pk: _Settings(uuid, tracking, opens) for pk, uuid, tracking, opens in rows}


def _is_counted(hit: NewHit, settings: _Settings) -> bool:
    if hit.kind == HitKind.OPEN and not settings.opens:
        return False
    return settings.tracking != Tracking.NONE


def _subscribers(hits: Iterable[NewHit], settings: Mapping[int, _Settings]) -> dict[int, UUID]:
    """Return the subscribers who may be named in these hits.

    Whoever erases one of them waits until the hits are written, and then deletes these too.
    """
    individual = {pk for pk, row in settings.items() if row.tracking == Tracking.INDIVIDUAL}
    ids = {hit.clicker.ids[1] for hit in hits if hit.clicker and hit.issue_id in individual}
    if not ids:
        return {}
    return dict(fetch_rows(_HOLD, [sorted(ids)]))


def _clicker(hit: NewHit, settings: _Settings, subscribers: Mapping[int, UUID]) -> Row | None:
    """Return the subscriber whose mail was clicked, where subscribers are named."""
    if hit.clicker is None or settings.tracking != Tracking.INDIVIDUAL:
        return None
    issue_id, subscriber_id = hit.clicker.ids
    uuid = subscribers.get(subscriber_id)
    if uuid is None or issue_id != hit.issue_id:
        return None
    subscriber = Row(subscriber_id, uuid)
    is_theirs = hit.clicker.matches(Row(issue_id, settings.uuid), subscriber)
    return subscriber if is_theirs else None


def _next_ids(number: int) -> list[int]:
    return fetch_column(
        "SELECT nextval(pg_get_serial_sequence('analytics_hit', 'id')) FROM generate_series(1, %s)",
        [number],
    )


def _copy(rows: Iterable[tuple[int, tuple[object, ...]]]) -> None:
    with copy(f"COPY analytics_hit ({_COLUMNS}) FROM STDIN") as copied:
        for pk, values in rows:
            copied.write_row((pk, *values))
