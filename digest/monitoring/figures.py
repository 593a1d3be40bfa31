"""Figures of the present moment, each from a few rows whatever the size of the installation.

Deliveries are read from tallies, queues from indexes of what is due, results by destination from
what was counted for the console (digest.bounces.results). Nothing here looks at a million rows.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db.models import Count, QuerySet, Sum

from digest.articles.models import Source
from digest.backups import last
from digest.bounces.models import Refusal
from digest.bounces.results.tables import by_destination
from digest.core import jobs
from digest.core.database.statements import fetch_row
from digest.installation import holds
from digest.installation.models import Installation
from digest.issues.lateness import late_issues
from digest.issues.models import Issue
from digest.notices.models import Notice
from digest.relays.models import Dispatch, PausedDomain, Relay
from digest.sending.models import Chunk, Delivery, Tally
from digest.subscribers.models import Growth, SignUp
from digest.webhooks.models import WebhookDelivery

MOST = 10_000  # rows of a queue that are counted; a longer one is long enough for an alert
RECENT = timedelta(days=2)  # issues whose results by destination are shown

Value = tuple[list[str], float]  # the labels' values, and the number


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge, and how it is measured at a moment."""

    name: str
    help: str
    labels: tuple[str, ...]
    measure: Callable[[datetime], Iterable[Value]]


def _deliveries(_now: datetime) -> Iterator[Value]:
    unfinished = Issue.objects.filter(state__in=[Issue.State.SENDING, Issue.State.PAUSED])
    rows = Tally.objects.filter(issue_id__in=list(unfinished.values_list("pk", flat=True)))
    numbers = dict(rows.values_list("state").annotate(Sum("deliveries")))
    for state in Dispatch.State:
        yield [state.name.lower()], numbers.get(state, 0)


def _results(now: datetime) -> Iterator[Value]:
    recent = Issue.objects.filter(planned_at__gt=now - RECENT).values_list("pk", flat=True)
    for row in by_destination(list(recent)):
        label = row.label or "other"
        yield [label, "sent"], row.sent
        yield [label, "deferred"], row.deferred
        yield [label, "refused"], row.refused
        yield [label, "bounced"], row.bounced
        yield [label, "complaint"], row.complaints


def _issues(_now: datetime) -> Iterator[Value]:
    regular = Issue.objects.filter(Issue.REGULAR)
    numbers = dict(regular.values_list("state").annotate(Count("pk")))
    for state in Issue.State:
        yield [state.value], numbers.get(state.value, 0)


def _queues(now: datetime) -> dict[str, tuple[QuerySet[Any], str]]:
    """Return the rows that are due by kind of work, and their moment's field."""
    notices = Notice.objects.filter(state__in=Notice.DUE, due_at__lte=now)
    webhooks = WebhookDelivery.objects.filter(
        state=WebhookDelivery.State.WAITING, due_at__lte=now, webhook__disabled_at=None
    )
    sending = Issue.objects.filter(state=Issue.State.SENDING).values_list("pk", flat=True)
    due = {"issue__in": list(sending), "due_at__lte": now}
    return {
        "deliveries": (Delivery.objects.filter(state__in=Delivery.DUE, **due), "due_at"),
        "chunks": (Chunk.objects.filter(fence=None, **due), "due_at"),
        "notices": (notices, "due_at"),
        "refusals": (Refusal.objects.all(), "at"),
        "sign_ups": (SignUp.objects.all(), "at"),
        "sources": (Source.polled().filter(next_poll_at__lte=now), "next_poll_at"),
        "webhooks": (webhooks, "due_at"),
    }


def queue_rows(now: datetime) -> Iterator[Value]:
    """Yield how many rows of each queue are due, at most MOST."""
    for kind, (rows, _moment) in _queues(now).items():
        yield [kind], rows.order_by()[:MOST].count()


def queue_ages(now: datetime) -> Iterator[Value]:
    """Yield for how many seconds the oldest row of each queue has been due."""
    for kind, (rows, moment) in _queues(now).items():
        oldest = rows.order_by(moment).values_list(moment, flat=True).first()
        yield [kind], (now - oldest).total_seconds() if oldest else 0


def _nudges(_now: datetime) -> Iterator[Value]:
    queues = sorted({jobs.queue_of(name) for name in jobs.NAMES})
    with redis.Redis.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    ) as valkey:
        for queue in queues:
            yield [queue], float(valkey.llen(queue))


def _late(now: datetime) -> Iterator[Value]:
    yield [], len(late_issues(now))


def _late_seconds(now: datetime) -> Iterator[Value]:
    late = late_issues(now)
    yield [], (now - late[0].due_at).total_seconds() if late else 0


def _relays(_now: datetime) -> Iterator[Value]:
    for name, down_since in Relay.objects.filter(active=True).values_list("name", "down_since"):
        yield [name], 0 if down_since else 1


def _paused_domains(now: datetime) -> Iterator[Value]:
    pauses = dict(
        PausedDomain.objects.filter(until__gt=now).values_list("relay").annotate(Count("pk"))
    )
    for pk, name in Relay.objects.filter(active=True).values_list("pk", "name"):
        yield [name], pauses.get(pk, 0)


def _sources(_now: datetime) -> Iterator[Value]:
    polled = Source.polled()
    failing = polled.filter(failures__gt=0).count()
    off = Source.objects.exclude(switched_off_at=None, gone_at=None).count()
    yield ["polled"], polled.count() - failing
    yield ["failing"], failing
    yield ["off"], off


def _subscriptions(_now: datetime) -> Iterator[Value]:
    sums = Growth.objects.aggregate(Sum("joined"), Sum("left"))
    yield ["joined"], sums["joined__sum"] or 0
    yield ["left"], sums["left__sum"] or 0


def _beat(_now: datetime) -> Iterator[Value]:
    at = Installation.objects.values_list("beat_at", flat=True).first()
    yield [], at.timestamp() if at else 0


def _backup(_now: datetime) -> Iterator[Value]:
    if backup := last.read():
        yield [], backup.made_at.timestamp()


def _hold(_now: datetime) -> Iterator[Value]:
    yield [], 1 if holds.current() else 0


def _database_size(_now: datetime) -> Iterator[Value]:
    yield [], float(fetch_row("SELECT pg_database_size(current_database())")[0])


def _disk_free(_now: datetime) -> Iterator[Value]:
    if settings.DIGEST_DATA_DIR.is_dir():
        yield [], float(shutil.disk_usage(settings.DIGEST_DATA_DIR).free)


NUDGES = Figure(
    "digest_nudges", "Messages that wait in Valkey for a worker, by queue.", ("queue",), _nudges
)
FIGURES = (
    Figure("digest_deliveries", "Of issues being sent, by state.", ("state",), _deliveries),
    Figure(
        "digest_recent_mails",
        "Mails of issues of the last two days, by mailbox provider.",
        ("destination", "result"),
        _results,
    ),
    Figure("digest_issues", "Issues by state.", ("state",), _issues),
    Figure("digest_queue_rows", "Work that is due, at most 10,000.", ("queue",), queue_rows),
    Figure("digest_queue_oldest_seconds", "How long it has been due.", ("queue",), queue_ages),
    Figure("digest_late_issues", "Due more than five minutes ago, not begun.", (), _late),
    Figure("digest_late_issues_oldest_seconds", "How late the first is.", (), _late_seconds),
    Figure("digest_relay_up", "Whether a mail server was up when last used.", ("relay",), _relays),
    Figure("digest_relay_paused_domains", "Paused domains.", ("relay",), _paused_domains),
    Figure("digest_sources", "Sources by how polling goes.", ("state",), _sources),
    Figure("digest_subscriptions", "Ever joined, ever left.", ("change",), _subscriptions),
    Figure("digest_beat_timestamp_seconds", "Last tick of beat that a worker did.", (), _beat),
    Figure("digest_backup_timestamp_seconds", "Last backup by `digest backup`.", (), _backup),
    Figure("digest_mail_held", "Whether mail is held after a restore.", (), _hold),
    Figure("digest_database_bytes", "Size of the database.", (), _database_size),
    Figure("digest_data_free_bytes", "Free on the disk of the data folder.", (), _disk_free),
)
