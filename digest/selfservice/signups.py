"""Settle sign-ups: what each wish means for this very address, which its sender never learns here.

    claim some > record the wish (consent) > ask for a confirmation, or send the known subscriber a
    link

A suppressed address gets nothing. Whoever asks sees the same page in every case.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.subscribers import consent, signups
from digest.subscribers.errors import AddressSuppressedError, SubscriberError
from digest.subscribers.models import SignUp, Subscriber, Subscription
from digest.subscribers.suppression import is_suppressed

log = structlog.get_logger(__name__)

BATCH = 100


@dataclass(frozen=True, slots=True)
class Joined:
    """Where the holder of a confirmation link stands with its newsletters; none: not known."""

    subscriber_id: int
    language: str = ""  # the subscriber's
    has: list[Newsletter] = field(default_factory=list)
    waits: list[Newsletter] = field(default_factory=list)  # for the press of a button
    left: list[Newsletter] = field(default_factory=list)  # since, or must not be mailed

    @property
    def any(self) -> Newsletter | None:
        """One of them, whose colours a page may bear."""
        return next(iter([*self.waits, *self.has, *self.left]), None)


def settle_due(now: datetime | None = None) -> int:
    """Settle every sign-up that waits; return how many. Two at once do no harm."""
    total = 0
    while settled := _settle_some(now or clock.now()):
        total += settled
    signups.forget_unconfirmed(now or clock.now())
    return total


def invite(
    address: addresses.Address,
    newsletters: Iterable[Newsletter],
    *,
    via: str,
    now: datetime,
    ip: str | None = None,
    name: str = "",
    language: str = "",
    wording: str = "",
) -> Notice | None:
    """Record that somebody asks for these newsletters (of one publication), and write to them.

    They are asked to confirm what waits for their word; a subscriber who has it all already gets
    the link to their preferences. Returns the notice, or None where the mailbox had its share or
    must not be mailed.
    """
    wanted = list(newsletters)
    asked: list[Subscription] = []
    for newsletter in wanted:
        try:
            asked.append(
                consent.subscribe(
                    address,
                    newsletter,
                    via=via,
                    confirmed=False,
                    wording=wording,
                    ip=ip,
                    name=name,
                    language=language,
                    again=True,
                    now=now,
                )
            )
        except AddressSuppressedError:
            continue
    return _write_to(asked, wanted[0], language, now, answers_mail=via == "mail") if asked else None


@transaction.atomic
def join(
    subscriber_id: int,
    newsletter_ids: Sequence[int],
    *,
    asked_at: datetime,
    ip: str | None,
    now: datetime,
    via: str = "confirmation",
) -> Joined:
    """Take the word of whoever pressed the button under a confirmation link, and welcome them.

    `asked_at` is when the link was made. Newsletters that are gone, and those that the subscriber
    has left since, stay as they are.
    """
    confirmed = []
    for newsletter_id in newsletter_ids:
        with suppress(SubscriberError):
            if consent.confirm(
                subscriber_id, newsletter_id, via=via, ip=ip, asked_at=asked_at, now=now
            ):
                confirmed.append(newsletter_id)
    if confirmed:
        _welcome(subscriber_id, confirmed, now)
    return standing(subscriber_id, newsletter_ids, asked_at)


def standing(subscriber_id: int, newsletter_ids: Sequence[int], asked_at: datetime) -> Joined:
    """Return what a confirmation link from `asked_at` is about by now; changes nothing."""
    found = Subscription.objects.filter(
        subscriber=subscriber_id, newsletter__in=newsletter_ids
    ).select_related("newsletter__publication", "subscriber")
    language = Subscriber.objects.filter(pk=subscriber_id).values_list("language", flat=True)
    joined = Joined(subscriber_id, language.first() or "")
    for one in found.order_by("newsletter"):
        if one.state == Subscription.State.ACTIVE:
            joined.has.append(one.newsletter)
        elif _is_over(one, asked_at):
            joined.left.append(one.newsletter)
        else:
            joined.waits.append(one.newsletter)
    return joined


def _is_over(one: Subscription, asked_at: datetime) -> bool:
    """Say whether a confirmation cannot bring this newsletter any more."""
    left_since = one.unsubscribed_at is not None and one.unsubscribed_at > asked_at
    return left_since or is_suppressed(one.subscriber.address_key, one.newsletter_id)


def _welcome(subscriber_id: int, newsletter_ids: Sequence[int], now: datetime) -> None:
    subscriber = Subscriber.objects.get(pk=subscriber_id)
    first = Newsletter.objects.select_related("publication").get(pk=newsletter_ids[0])
    queue_notice(
        Notice.Kind.WELCOME,
        first.publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=subscriber.language or first.language or first.publication.language,
        context={"newsletters": list(newsletter_ids)},
        now=now,
    )


@transaction.atomic
def _settle_some(now: datetime) -> int:
    rows = list(signups.waiting(BATCH))
    for row in rows:
        try:
            with transaction.atomic():
                _settle(row, now)
        except DigestError as problem:
            log.warning("sign-up dropped", problem=str(problem))
        except DatabaseError:
            raise
        except Exception:  # one odd wish must not hold up all the others for ever
            log.exception("sign-up dropped")
    SignUp.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _settle(row: SignUp, now: datetime) -> None:
    open_to_all = Newsletter.objects.filter(active=True, listed=True, pk__in=row.newsletters)
    found = list(open_to_all.select_related("publication").order_by("pk"))
    if found:
        invite(
            addresses.parse(row.email),
            found,
            via=row.via,
            ip=row.ip,
            language=row.language,
            wording=row.wording,
            now=now,
        )


def _write_to(
    asked: list[Subscription],
    newsletter: Newsletter,
    language: str,
    now: datetime,
    *,
    answers_mail: bool,
) -> Notice | None:
    subscriber: Subscriber = asked[0].subscriber
    open_wishes = [one.newsletter_id for one in asked if one.state != Subscription.State.ACTIVE]
    return queue_notice(
        Notice.Kind.CONFIRM if open_wishes else Notice.Kind.LINK,
        newsletter.publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=subscriber.language if not open_wishes else language or subscriber.language,
        context={"newsletters": open_wishes or [one.newsletter_id for one in asked]},
        answers_mail=answers_mail,
        now=now,
    )
