"""Tell the newsroom of each occurrence once: members who want it by mail, webhooks by an event.

Whatever happened between two runs to issues of one newsletter comes in one mail: after an outage
that made ten issues be skipped, nobody gets ten.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from digest.accounts.models import User
from digest.accounts.topics import NewsroomEvent
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_to_account
from digest.notifications import occurrences
from digest.notifications.models import Notification
from digest.notifications.occurrences import Occurrence
from digest.webhooks.events import Event
from digest.webhooks.queueing import queue_newsroom_event

RETENTION = timedelta(days=90)


@transaction.atomic
def queue_new(now: datetime) -> int:
    """Tell what nobody was told of yet; return how many occurrences that were."""
    locks.lock(Purpose.NOTIFY_NEWSROOM)
    recent = list(occurrences.recent(now))
    _forget_past(recent)
    new = [row for row in recent if _is_new(row, now)]
    for row in new:
        if row.webhook_event:
            _queue_webhooks(row, row.webhook_event, now)
    for group in _grouped(row for row in new if row.by_mail):
        _queue_mails(group, now)
    Notification.objects.filter(at__lt=now - RETENTION).delete()
    return len(new)


def _queue_webhooks(row: Occurrence, event: Event, now: datetime) -> None:
    queue_newsroom_event(
        event,
        now,
        publication_id=row.publication_id,
        newsletter_id=row.newsletter_id,
        issue=row.issue,
        details=row.details,
    )


def _forget_past(recent: Sequence[Occurrence]) -> None:
    """Forget what is over by now, so that it is told when it happens to the same issue again."""
    for event in occurrences.OF_ISSUES:
        keys = [row.key for row in recent if row.event == event]
        Notification.objects.filter(event=event).exclude(key__in=keys).delete()


def _is_new(row: Occurrence, now: datetime) -> bool:
    """Note an occurrence; return whether nobody had done so."""
    _, is_new = Notification.objects.get_or_create(
        event=row.event, key=row.key, defaults={"at": now}
    )
    return is_new


def _grouped(rows: Iterable[Occurrence]) -> Iterator[list[Occurrence]]:
    """Yield what is told in one mail: an event of the issues of one newsletter; else one each."""
    groups = defaultdict[tuple[str, str], list[Occurrence]](list)
    for row in rows:
        groups[row.event, str(row.newsletter_id) if row.newsletter_id else row.key].append(row)
    yield from groups.values()


def _queue_mails(rows: Sequence[Occurrence], now: datetime) -> None:
    first = rows[0]
    # The mails about a paused domain, which is of no publication, are queued with the pause
    # (sending.domain_pauses).
    publications = Publication.objects.order_by("pk")
    if first.publication_id or first.event != NewsroomEvent.WEBHOOK:
        publications = publications.filter(pk=first.publication_id or 0)
    publication = publications.first()
    if publication is None:
        return
    context: dict[str, Any] = {"event": str(first.event), **first.context}
    if first.issue:
        context |= {"issues": [row.context["issue"] for row in rows]}
        context |= {"newsletter": first.newsletter_id}
    for user in wishing(first.event, first.publication_id, first.newsletter_id):
        if first.event != NewsroomEvent.SKIPPED or not _was_told_today(user, context, now):
            queue_to_account(Notice.Kind.EVENT, publication, user.email, now, context)


def _was_told_today(user: User, context: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a user had a mail about skipped issues of a newsletter within a day.

    What nobody approves in time is skipped at each slot, perhaps every hour; Home lists them.
    """
    return Notice.objects.filter(
        kind=Notice.Kind.EVENT,
        email__iexact=user.email,
        created_at__gt=now - timedelta(days=1),
        context__event=context["event"],
        context__newsletter=context["newsletter"],
    ).exists()


def wishing(
    event: NewsroomEvent, publication_id: int | None, newsletter_id: int | None = None
) -> Iterator[User]:
    """Yield the editors and owners who want to be told of an event; of webhooks owners alone."""
    right = Right.MANAGE if event == NewsroomEvent.WEBHOOK else Right.EDIT
    users = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    for user in users.exclude(unwanted_events__contains=[event]):
        if members.has_right(user, right, publication_id, newsletter_id):
            yield user
