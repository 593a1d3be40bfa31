"""Sign-ups: requested on a form, settled by a worker.

    request_signup    count it, store it; the same for every address
    settle_due        claim some > record the request (consent) > ask for a confirmation, or send an
                      existing subscriber the link to their preferences

A suppressed address gets nothing. The person at the form sees the same page in every case, so
neither its text nor its timing tells a stranger who is a subscriber.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from digest.core import addresses, clock
from digest.core.addresses import Address
from digest.core.errors import DigestError
from digest.newsletters.models import Newsletter, Publication, Tracking
from digest.notices.models import Notice
from digest.notices.queue import notice_language, queue_notice
from digest.rendering.letters import list_names
from digest.selfservice import reading
from digest.subscribers import consent, own_values, signup_limits, signups
from digest.subscribers.consent import Evidence
from digest.subscribers.errors import AddressSuppressedError
from digest.subscribers.evidence.answers import hold_answers
from digest.subscribers.evidence.origins import NOWHERE, Origin
from digest.subscribers.models import SignUp, Subscription

log = structlog.get_logger(__name__)

BATCH = 100


def offered_newsletters(newsletter: Newsletter) -> list[Newsletter]:
    """Return what the form of a newsletter offers: itself, then its publication's other ones."""
    open_newsletters = newsletter.publication.newsletters.open_to_all()
    other_newsletters = (
        open_newsletters.exclude(pk=newsletter.pk).select_related("publication").order_by("name")
    )
    return [newsletter, *other_newsletters]


def consent_wording(newsletters: Sequence[Newsletter]) -> str:
    """Return what a subscriber agrees to on a form, in the active language; stored as evidence."""
    publication = newsletters[0].publication
    wording = _(
        "I want to receive %(newsletters)s from %(publication)s by email. "
        "I can unsubscribe at any time with one click."
    ) % {
        "newsletters": list_names(newsletters),
        "publication": publication.name,
    }
    return " ".join(filter(None, (wording, tracking_wording(publication))))


def preferences_wording(publication: Publication) -> str:
    """Return what a subscriber agrees to who switches a newsletter on in their preferences."""
    wording = _("I want to receive the newsletters selected here by email.")
    return " ".join(filter(None, (wording, tracking_wording(publication))))


def tracking_wording(publication: Publication) -> str:
    """Return what a subscriber agrees to where their clicks are counted as theirs, or nothing."""
    if publication.tracking != Tracking.INDIVIDUAL:
        return ""
    if publication.track_opens:
        wording = _("%(publication)s may record which emails I open and which links I click.")
    else:
        wording = _("%(publication)s may record which links I click in its emails.")
    return wording % {"publication": publication.name}


def request_signup(
    address: Address,
    newsletters: Sequence[Newsletter],
    *,
    via: str,
    ip: str | None,
    language: str,
    now: datetime,
    wording: str = "",
    origin: Origin = NOWHERE,
    values: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    store: bool = True,
    reads: str = "",
) -> None:
    """Count a sign-up from a form, and store it for a worker unless the mailbox is over its limit.

    `wording` is the form's own consent text; empty: that of every form. Without `store` it is only
    counted, which is how a bot is answered. `reads` is the key of a past issue that the form asks
    to read, instead of subscribing. Raises TooManyError and LimiterUnavailableError.
    """
    if signup_limits.admit(address, ip) and store:
        signups.store_signup(
            address,
            newsletters,
            via=via,
            ip=ip,
            language=language,
            wording=wording or consent_wording(newsletters),
            origin=origin,
            values=values,
            answers=answers,
            reads=reads,
            now=now,
        )


def settle_due(now: datetime | None = None) -> int:
    """Settle every stored sign-up; return how many. Two workers may do it at the same time."""
    total = 0
    while settled := _settle_batch(now or clock.now()):
        total += settled
    signups.delete_unconfirmed(now or clock.now())
    return total


def invite(
    address: Address,
    newsletters: Iterable[Newsletter],
    *,
    via: str,
    now: datetime,
    ip: str | None = None,
    name: str = "",
    language: str = "",
    wording: str = "",
    origin: Origin = NOWHERE,
    values: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    in_bulk: bool = False,
) -> Notice | None:
    """Record a request for these newsletters (of one publication), and write to the address.

    The notice asks to confirm what is not active yet; a subscriber to all of them gets the link to
    their preferences instead. `values` are those of attributes, which apply once they confirm, as
    do `answers`; `in_bulk` as in `queue_notice`. Returns the notice, or None if the address is
    suppressed or has had its share of notices.
    """
    requested = list(newsletters)
    waiting_ids = _waiting(address, requested[0].publication_id)
    evidence = Evidence(via, ip, origin, wording)
    subscriptions = _record_requests(address, requested, evidence, now, name, language)
    if not subscriptions:
        return None
    notice = _queue_notice(
        subscriptions,
        requested[0],
        language,
        now,
        answers_mail=via == "mail",
        in_bulk=in_bulk,
    )
    if notice:
        for subscription in subscriptions:
            consent.record_request(subscription, evidence, now)
        _keep_entered(subscriptions, values or {}, answers or {}, now)
    else:
        _keep_topics(subscriptions, waiting_ids, answers or {}, now)
    return notice


def _record_requests(
    address: Address,
    newsletters: Iterable[Newsletter],
    evidence: Evidence,
    now: datetime,
    name: str,
    language: str,
) -> list[Subscription]:
    """Return the subscriptions that were requested; none that may not be mailed."""
    subscriptions: list[Subscription] = []
    for newsletter in newsletters:
        with suppress(AddressSuppressedError):
            subscription = consent.subscribe(
                address,
                newsletter,
                **evidence._asdict(),
                confirmed=False,
                name=name,
                language=language,
                allow_resubscribe=True,
                now=now,
            )
            subscriptions.append(subscription)
    return subscriptions


def _keep_entered(
    subscriptions: Sequence[Subscription],
    values: Mapping[str, Any],
    answers: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep what was entered beside the address, where the mail asks for a confirmation."""
    for subscription in subscriptions:
        hold_answers(subscription, answers, now, is_mailed=True)
    if any(row.state != Subscription.State.ACTIVE for row in subscriptions):
        first = subscriptions[0]
        own_values.keep(first.subscriber_id, first.newsletter.publication_id, values, now)


def _waiting(address: Address, publication_id: int) -> set[int]:
    """Return the newsletters of a publication that somebody may have been asked to confirm."""
    rows = Subscription.objects.filter(
        subscriber__address_key=address.key, newsletter__publication=publication_id
    )
    rows = rows.exclude(state=Subscription.State.ACTIVE)
    return set(rows.values_list("newsletter_id", flat=True))


def _keep_topics(
    subscriptions: Sequence[Subscription],
    waiting_ids: Collection[int],
    answers: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep the topics of newsletters that nobody had asked for before.

    No mail of its own tells of the request: it may be a stranger's, and an earlier mail may ask to
    confirm the same. Whoever uses that one confirms what was entered before it.
    """
    topics = {"topics": answers["topics"]} if answers.get("topics") else {}
    for subscription in subscriptions:
        if subscription.newsletter_id not in waiting_ids:
            hold_answers(subscription, topics, now, is_mailed=False)


@transaction.atomic
def _settle_batch(now: datetime) -> int:
    rows = list(signups.claim_signups(BATCH))
    for row in rows:
        try:
            with transaction.atomic():
                _settle(row, now)
        except DigestError as problem:
            log.warning("sign-up dropped", problem=str(problem))
        except DatabaseError:
            raise
        except Exception:  # one odd row must not hold up all the others for ever
            log.exception("sign-up dropped")
    SignUp.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _settle(row: SignUp, now: datetime) -> None:
    if row.reads:
        reading.settle(row, now)
        return
    public = Newsletter.objects.open_to_all().filter(pk__in=row.newsletters)
    newsletters = list(public.select_related("publication").order_by("pk"))
    if newsletters:
        invite(
            addresses.parse(row.email),
            newsletters,
            via=row.via,
            ip=row.ip,
            language=row.language,
            wording=row.wording,
            origin=Origin(row.page, row.campaign),
            values=row.values,
            answers=row.answers,
            now=now,
        )


def _queue_notice(
    subscriptions: list[Subscription],
    newsletter: Newsletter,
    language: str,
    now: datetime,
    *,
    answers_mail: bool,
    in_bulk: bool,
) -> Notice | None:
    subscriber = subscriptions[0].subscriber
    unconfirmed_ids = [
        subscription.newsletter_id
        for subscription in subscriptions
        if subscription.state != Subscription.State.ACTIVE
    ]
    all_ids = [subscription.newsletter_id for subscription in subscriptions]
    wish = language or subscriber.language
    return queue_notice(
        Notice.Kind.CONFIRM if unconfirmed_ids else Notice.Kind.LINK,
        newsletter.publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=notice_language(newsletter, wish) if unconfirmed_ids else subscriber.language,
        context={"newsletters": unconfirmed_ids or all_ids},
        answers_mail=answers_mail,
        in_bulk=in_bulk,
        now=now,
    )
