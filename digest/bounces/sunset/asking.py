"""Ask inactive subscribers whether they want to stay; pause those who do not answer.

    rule_of    what says who is inactive, also where nobody has set it
    inactive   the subscriptions that the rule touches now
    ask_due    pause whose time to answer is over, then ask, some at a time
    stay       somebody answered, or came back after the pause

Nobody is asked twice within the period of the rule.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from digest.analytics.models import Hit
from digest.bounces.models import Sunset, SunsetQuestion
from digest.bounces.sunset import reengaging
from digest.bounces.sunset.signs import has_sign_since
from digest.core.text import counted
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Tracking
from digest.newsletters.publicity.states import SENDING
from digest.notices.models import Notice
from digest.notices.queue import queue_to_subscriber
from digest.relays.models import Dispatch
from digest.sending.models import AnyDelivery
from digest.subscribers.models import Subscriber, Subscription

BATCH = 500  # questions in one run
TO_ANSWER = timedelta(days=14)
MONTH = timedelta(days=30)
TOLERANCE = timedelta(days=7)  # at the beginning of what is known of clicks
FOR_GOOD = timedelta(days=3650)  # until they resume it

log = structlog.get_logger(__name__)


def rule_of(newsletter: Newsletter) -> Sunset:
    """Return the rule of a newsletter; one with the default values, not stored, if it has none."""
    stored = Sunset.objects.select_related("newsletter__publication")
    return stored.filter(newsletter=newsletter).first() or Sunset(newsletter=newsletter)


def obstacle(sunset: Sunset, now: datetime) -> str:
    """Return why a rule cannot tell who is inactive; "" where it can."""
    if sunset.newsletter.publication.tracking != Tracking.INDIVIDUAL:
        return (
            "The publication does not count the clicks of each subscriber, so nobody can be told "
            "inactive. Change Click tracking in the publication's settings."
        )
    most = int(settings.DIGEST_HITS_DAYS) // MONTH.days
    if sunset.months > most:
        return f"Clicks are stored for {counted(most, 'month')} (DIGEST_HITS_DAYS); choose no more."
    hits = Hit.objects.filter(
        issue_id__in=sunset.newsletter.issues.values("pk"), subscriber_id__isnull=False
    )
    first = hits.order_by("at").values_list("at", flat=True).first()
    if first is None or first > _since(sunset, now) + TOLERANCE:
        return "The clicks of each subscriber have not been counted for that long yet."
    return ""


def inactive(sunset: Sunset, now: datetime) -> QuerySet[Subscription]:
    """Return the subscriptions that a rule touches: enough issues, and no sign of life."""
    since = _since(sunset, now)
    sent = AnyDelivery.objects.exclude(issue__kind=Issue.Kind.SERIES).filter(
        subscriber=OuterRef("subscriber_id"),
        issue__newsletter=sunset.newsletter_id,
        state=Dispatch.State.SENT,
        waiting=False,
        at__gt=since,
    )
    number = sent.order_by().values("subscriber").annotate(number=Count("pk")).values("number")
    rows = Subscription.objects.filter(
        newsletter=sunset.newsletter_id,
        state=Subscription.State.ACTIVE,
        confirmed_at__lte=since,
    )
    rows = rows.exclude(paused_until__gt=now).exclude(sunset_questions__asked_at__gt=since)
    for condition in has_sign_since(since):
        rows = rows.exclude(condition)
    counted = Coalesce(Subquery(number, output_field=IntegerField()), 0)
    return rows.annotate(received=counted).filter(received__gte=sunset.issues)


def ask_due(now: datetime) -> int:
    """Pause those who did not answer, and ask the next; return how many were asked.

    Where the newsletter has a series for inactive subscribers, they go through it first.
    """
    number = 0
    is_used = Q(sunset__active=True) | Q(pk__in=reengaging.newsletters_with_series())
    newsletters = Newsletter.objects.filter(is_used, state__in=SENDING)
    for newsletter in newsletters.order_by("pk"):
        sunset = rule_of(newsletter)
        if sunset.active:
            _pause_silent(sunset, now)
        if problem := obstacle(sunset, now):
            log.info("nobody asked", newsletter=sunset.newsletter.slug, problem=problem)
            continue
        rows = reengaging.after_series(sunset.newsletter, inactive(sunset, now), now)
        if sunset.active:
            batch = rows.select_related("subscriber").order_by("pk")[:BATCH]
            number += sum(_ask_subscriber(sunset.newsletter, row, now) for row in batch)
    return number


@transaction.atomic
def stay(subscriber: Subscriber, newsletter: Newsletter, now: datetime) -> None:
    """Record that somebody wants to go on, and resume what was paused because they were silent.

    A pause that they chose themselves since then stays.
    """
    rows = Subscription.objects.select_for_update()
    subscription = rows.filter(subscriber=subscriber, newsletter=newsletter).first()
    if subscription is None:
        return
    question = subscription.sunset_questions.order_by("-asked_at").first()
    if question is None or question.outcome == SunsetQuestion.Outcome.STAYED:
        return
    if question.outcome == SunsetQuestion.Outcome.PAUSED:
        silenced = Subscription.objects.filter(
            pk=subscription.pk, paused_until=(question.settled_at or now) + FOR_GOOD
        )
        silenced.update(paused_until=None)
    SunsetQuestion.objects.filter(pk=question.pk).update(
        outcome=SunsetQuestion.Outcome.STAYED, settled_at=now
    )


@transaction.atomic
def _ask_subscriber(newsletter: Newsletter, subscription: Subscription, now: datetime) -> bool:
    """Ask once; False where the mailbox got such a question a moment ago."""
    notice = queue_to_subscriber(Notice.Kind.STAY, newsletter, subscription.subscriber, now)
    if notice is None:
        return False
    SunsetQuestion.objects.create(subscription=subscription, asked_at=now)
    return True


@transaction.atomic
def _pause_silent(sunset: Sunset, now: datetime) -> None:
    open_questions = SunsetQuestion.objects.select_for_update().filter(
        subscription__newsletter=sunset.newsletter_id,
        outcome=SunsetQuestion.Outcome.OPEN,
        asked_at__lte=now - TO_ANSWER,
    )
    for question in open_questions.order_by("pk")[:BATCH]:
        row = Subscription.objects.filter(pk=question.subscription_id)
        alive = any(row.filter(sign).exists() for sign in has_sign_since(question.asked_at))
        question.outcome = SunsetQuestion.Outcome.STAYED if alive else SunsetQuestion.Outcome.PAUSED
        question.settled_at = now
        question.save(update_fields=["outcome", "settled_at"])
        if not alive:
            row.update(paused_until=now + FOR_GOOD)


def _since(sunset: Sunset, now: datetime) -> datetime:
    return now - sunset.months * MONTH
