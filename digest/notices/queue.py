"""Queue transactional mails: confirmations, welcomes, preferences links.

A mailbox gets at most one notice of a kind in an hour, whoever asks and in whichever way: a lock on
the mailbox covers the check and the insertion, so a thousand requests at once make one mail.
Replies to mail are limited to one in an hour altogether (RFC 3834 §2), so no mail loop can start.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, Q

from digest.core import addresses, jobs, languages
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import Newsletter, Publication
from digest.notices.models import Notice
from digest.subscribers.models import Subscriber

log = structlog.get_logger(__name__)

WINDOW = timedelta(hours=1)
DAILY_CONFIRMATIONS = 4  # to one mailbox, of whatever newsletters

Kind = Notice.Kind
CONFIRMATIONS = (Kind.CONFIRM, Kind.CHANGE)


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
    in_bulk: bool = False,
) -> Notice | None:
    """Queue a notice to `email`, due now; return None if the mailbox is at its limit.

    `context` holds ids only: {"newsletters": [1, 2]} or {"change": 7}. A confirmation of
    newsletters that the last one did not name waits until the hour is over; one that waits already
    for this subscriber and publication takes them up. `in_bulk` says that it is one of many, behind
    which no other notice has to wait.
    """
    mailbox = addresses.folded(addresses.parse(email).key)
    locks.lock(Purpose.QUEUE_NOTICE, mailbox)
    notice = Notice(
        kind=kind,
        publication=publication,
        subscriber=subscriber,
        context=dict(context or {}),
        email=email,
        mailbox=mailbox,
        language=language,
        answers_mail=answers_mail,
        precedence=_precedence(kind, in_bulk=in_bulk),
        created_at=now,
    )
    due_at = _due_at(notice, now)
    if due_at is None:
        return None
    notice.due_at = due_at
    notice.save()
    jobs.enqueue(jobs.SEND_NOTICES)
    return notice


def queue_to_account(
    kind: Notice.Kind,
    publication: Publication,
    email: str,
    now: datetime,
    context: Mapping[str, Any],
) -> Notice | None:
    """Queue a notice to the address of an account; None if no mail can be sent there.

    An account may have any address (admin@localhost): it must not keep the others from theirs.
    """
    try:
        return queue_notice(kind, publication, email=email, now=now, context=context)
    except InvalidAddressError:
        log.warning("no mail can be sent to the address of an account", kind=kind)
        return None


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


def _precedence(kind: Notice.Kind, *, in_bulk: bool) -> Notice.Precedence:
    if kind == Kind.ACCOUNT:
        return Notice.Precedence.FIRST
    return Notice.Precedence.IN_BULK if in_bulk or kind == Kind.STAY else Notice.Precedence.USUAL


def notice_language(newsletter: Newsletter, wish: str = "") -> str:
    """Return the newsletter's language; where Digest has no texts in it, the subscriber's wish."""
    own = newsletter.language or newsletter.publication.language
    is_available = languages.primary(own) in languages.NAMES
    return own if is_available or not wish else wish


def _due_at(notice: Notice, now: datetime) -> datetime | None:
    """Return when a notice may go out; None: not at all."""
    to_mailbox = Notice.objects.filter(mailbox=notice.mailbox)
    recent = to_mailbox.filter(created_at__gt=now - WINDOW)
    if notice.answers_mail and recent.filter(answers_mail=True).exists():
        return None
    if notice.kind in CONFIRMATIONS:
        return _confirmation_due(notice, now)
    same_kind = recent.filter(kind=notice.kind)
    is_limited = notice.kind in {Kind.LINK, Kind.LEFT, Kind.HELP, Kind.READ, Kind.STAY}
    return None if is_limited and same_kind.exists() else now


def at_daily_limit(emails: Collection[str], now: datetime) -> set[str]:
    """Return those of these addresses whose mailbox gets no more confirmations for today."""
    mailboxes = {email: addresses.folded(addresses.parse(email).key) for email in emails}
    recent = Notice.objects.filter(
        mailbox__in=set(mailboxes.values()),
        kind__in=CONFIRMATIONS,
        created_at__gt=now - timedelta(days=1),
    )
    counts = recent.values("mailbox").annotate(number=Count("pk")).order_by()
    full = counts.filter(number__gte=DAILY_CONFIRMATIONS).values_list("mailbox", flat=True)
    full_mailboxes = set(full)
    return {email for email, mailbox in mailboxes.items() if mailbox in full_mailboxes}


def _confirmation_due(notice: Notice, now: datetime) -> datetime | None:
    """Return when to ask for a confirmation: now, or once the hour since the last one is over."""
    to_mailbox = Notice.objects.filter(mailbox=notice.mailbox)
    day = to_mailbox.filter(kind__in=CONFIRMATIONS, created_at__gt=now - timedelta(days=1))
    if day.count() >= DAILY_CONFIRMATIONS:
        return None
    # One that waited was created long before it went out.
    within_hour = Q(created_at__gt=now - WINDOW) | Q(due_at__gt=now - WINDOW)
    recent = list(to_mailbox.filter(within_hour, kind=notice.kind).order_by("due_at", "pk"))
    if not recent:
        return now
    return None if _is_taken_up(notice, recent, now) else recent[-1].due_at + WINDOW


def _is_taken_up(notice: Notice, recent: Sequence[Notice], now: datetime) -> bool:
    """Say whether a recent confirmation names these newsletters, or waits and now does.

    However the mailbox is spelled, it is asked once. But a confirmation is of one subscriber and of
    one publication, so one that waits takes up no wish of another; and no two address changes are
    the same wish.
    """
    if notice.kind != Kind.CONFIRM:
        return False
    newsletter_ids = notice.context["newsletters"]
    for row in recent:
        if set(newsletter_ids) <= set(row.context["newsletters"]):
            _hasten(row, notice)
            return True
    for row in recent:
        if row.due_at > now and _is_of_same_wish(row, notice):
            joined = dict.fromkeys([*row.context["newsletters"], *newsletter_ids])
            row.context["newsletters"] = list(joined)
            row.save(update_fields=["context"])
            _hasten(row, notice)
            return True
    return False


def _hasten(row: Notice, notice: Notice) -> None:
    """Let a notice that still waits go as early as another one that it makes superfluous."""
    slower = Notice.objects.filter(pk=row.pk, precedence__gt=notice.precedence)
    slower.filter(state__in=Notice.DUE).update(precedence=notice.precedence)


def _is_of_same_wish(first: Notice, second: Notice) -> bool:
    return (first.publication_id, first.subscriber_id) == (
        second.publication_id,
        second.subscriber_id,
    )
