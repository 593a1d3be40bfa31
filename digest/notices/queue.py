"""Queue transactional mails: confirmations, welcomes, preferences links.

A mailbox gets at most one notice of a kind in an hour, whoever asks and in whichever way: a lock on
the mailbox covers the check and the insertion, so a thousand requests at once make one mail.
Replies to mail are limited to one in an hour altogether (RFC 3834 §2), so no mail loop can start.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from digest.core import addresses, jobs, languages, locks
from digest.core.locks import Purpose
from digest.newsletters.models import Newsletter, Publication
from digest.notices.models import Notice
from digest.subscribers.models import Subscriber

WINDOW = timedelta(hours=1)
DAILY_CONFIRMATIONS = 4  # to one mailbox, of whatever newsletters

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
    """Queue a notice to `email`, due now; return None if the mailbox is at its limit.

    `context` holds ids only: {"newsletters": [1, 2]} or {"change": 7}. A confirmation of
    newsletters that the last one did not name waits until the hour is over.
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


def queue_to_subscriber(
    kind: Notice.Kind,
    newsletter: Newsletter,
    subscriber: Subscriber,
    now: datetime,
    *,
    newsletters: Sequence[int] = (),
    answers_mail: bool = False,
) -> Notice | None:
    """Queue a notice about this newsletter, or `newsletters` (ids), in its language."""
    publication = newsletter.publication
    return queue_notice(
        kind,
        publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=notice_language(newsletter, subscriber.language),
        context={"newsletters": list(newsletters) or [newsletter.pk]},
        answers_mail=answers_mail,
        now=now,
    )


def notice_language(newsletter: Newsletter, wish: str = "") -> str:
    """Return the newsletter's language; where Digest has no texts in it, the subscriber's wish."""
    own = newsletter.language or newsletter.publication.language
    is_available = languages.primary(own) in languages.NAMES
    return own if is_available or not wish else wish


def _due_at(
    kind: Notice.Kind, mailbox: str, context: dict[str, Any], now: datetime, *, answers_mail: bool
) -> datetime | None:
    """Return when a notice may go out; None: not at all."""
    recent = Notice.objects.filter(mailbox=mailbox, created_at__gt=now - WINDOW)
    if answers_mail and recent.filter(answers_mail=True).exists():
        return None
    same_kind = recent.filter(kind=kind).order_by("-created_at")
    if kind in {Kind.CONFIRM, Kind.CHANGE}:
        return _confirmation_due(same_kind, mailbox, context, now)
    return None if same_kind.exists() and kind in {Kind.LINK, Kind.LEFT, Kind.HELP} else now


def _confirmation_due(
    same_kind: QuerySet[Notice], mailbox: str, context: dict[str, Any], now: datetime
) -> datetime | None:
    """Return when to ask for a confirmation: now, or once the hour since the last one is over."""
    day = Notice.objects.filter(
        mailbox=mailbox,
        kind__in=[Kind.CONFIRM, Kind.CHANGE],
        created_at__gt=now - timedelta(days=1),
    )
    if day.count() >= DAILY_CONFIRMATIONS:
        return None
    last = same_kind.first()
    if last is None:
        return now
    if _covers(last, context):
        return None
    if last.due_at > now:  # one waits already: add this to it
        last.context = _merged(last.context, context)
        last.save(update_fields=["context"])
        return None
    return last.due_at + WINDOW


def _covers(last: Notice, context: dict[str, Any]) -> bool:
    newsletter_ids = set(context.get("newsletters", ()))
    return bool(newsletter_ids) and newsletter_ids <= set(last.context.get("newsletters", ()))


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    ids = dict.fromkeys([*first.get("newsletters", ()), *second.get("newsletters", ())])
    return first | second | ({"newsletters": list(ids)} if ids else {})
