"""Lay down single mails to one person: confirm, welcome, your link. `posting` sends them.

A mailbox gets at most one of a kind in an hour, whoever asks and through whichever door: the look
and the row are made under one lock on the mailbox, so a thousand wishes at once make one mail.
Mails that answer a mail are one in an hour all together (RFC 3834 §2), so no loop can turn.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from digest.core import addresses, jobs, locks
from digest.core.locks import Purpose
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.subscribers.models import Subscriber

WINDOW = timedelta(hours=1)
A_DAY = 4  # confirmations to one mailbox, of whatever newsletters

Kind = Notice.Kind


@transaction.atomic
def queue_notice(
    kind: Notice.Kind,
    publication: Publication,
    *,
    email: str,
    now: datetime,
    subscriber: Subscriber | None = None,
    language: str = "",
    context: Mapping[str, Any] | None = None,
    answers_mail: bool = False,
) -> Notice | None:
    """Lay down a notice to `email`, due now; None if the mailbox had its share.

    `context` holds ids only: {"newsletters": [1, 2]} or {"change": 7}. A confirmation of
    newsletters that the last one did not name is not lost, but waits until the hour is over.
    """
    mailbox = addresses.folded(addresses.parse(email).key)
    locks.lock(Purpose.QUEUE_NOTICE, mailbox)
    due_at = _due_at(kind, mailbox, dict(context or {}), now, answers_mail=answers_mail)
    if due_at is None:
        return None
    jobs.enqueue(jobs.SEND_NOTICES)
    return Notice.objects.create(
        kind=kind,
        publication=publication,
        subscriber=subscriber,
        email=email,
        mailbox=mailbox,
        answers_mail=answers_mail,
        language=language,
        context=dict(context or {}),
        created_at=now,
        due_at=due_at,
    )


def _due_at(
    kind: Notice.Kind, mailbox: str, context: dict[str, Any], now: datetime, *, answers_mail: bool
) -> datetime | None:
    """Return when a notice may go out, None for never."""
    recent = Notice.objects.filter(mailbox=mailbox, created_at__gt=now - WINDOW)
    if answers_mail and recent.filter(answers_mail=True).exists():
        return None
    alike = recent.filter(kind=kind).order_by("-created_at")
    if kind in {Kind.CONFIRM, Kind.CHANGE}:
        return _confirmation_due(alike, mailbox, context, now)
    return None if alike.exists() and kind in {Kind.LINK, Kind.LEFT, Kind.HELP} else now


def _confirmation_due(
    alike: QuerySet[Notice], mailbox: str, context: dict[str, Any], now: datetime
) -> datetime | None:
    """Return when to ask for a confirmation: now, or once the hour since the last one is over."""
    day = Notice.objects.filter(
        mailbox=mailbox,
        kind__in=[Kind.CONFIRM, Kind.CHANGE],
        created_at__gt=now - timedelta(days=1),
    )
    if day.count() >= A_DAY:
        return None
    last = alike.first()
    if last is None:
        return now
    if _asks_already(last, context):
        return None
    if last.due_at > now:  # the one that waits takes this wish along
        last.context = _both(last.context, context)
        last.save(update_fields=["context"])
        return None
    return last.due_at + WINDOW


def _asks_already(last: Notice, context: dict[str, Any]) -> bool:
    wanted = set(context.get("newsletters", ()))
    return bool(wanted) and wanted <= set(last.context.get("newsletters", ()))


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    ids = dict.fromkeys([*one.get("newsletters", ()), *other.get("newsletters", ())])
    return one | other | ({"newsletters": list(ids)} if ids else {})
