"""Who receives a newsletter: the one rule that planning and sending share."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.newsletters.models import Cadence
from digest.subscribers.models import Subscription
from digest.subscribers.suppression import holding


@dataclass(frozen=True, slots=True)
class Issue:
    """What readers' choices are held against. Plain values: editions are a floor beside."""

    cadences: frozenset[Cadence] = frozenset(Cadence)  # that readers chose
    topics: frozenset[str] = frozenset()  # of its stories, among those that may be chosen
    choosable: frozenset[str] = frozenset()  # titles of the newsletter's topic sections now
    only: frozenset[str] = frozenset()  # for readers who chose one of these topics; none: for all


FOR_ALL = Issue()


def eligible(newsletter_id: int, now: datetime, issue: Issue = FOR_ALL) -> QuerySet[Subscription]:
    """Return the subscriptions whose readers this newsletter may mail at `now` (aware, UTC).

    Active, not paused, suppressed neither by this newsletter nor for all; with a cadence of the
    issue's, and topics of which it has any. Unordered; walk it by `subscriber_id`, which the
    index `subscription_audience` serves.
    """
    suppressed = holding(newsletter_id).filter(address_key=OuterRef("subscriber__address_key"))
    return Subscription.objects.filter(
        Q(paused_until__isnull=True) | Q(paused_until__lte=now),
        _cadence(issue),
        _topics(issue),
        ~Exists(suppressed),
        newsletter_id=newsletter_id,
        state=Subscription.State.ACTIVE,
    )


def why_not(newsletter_id: int, subscriber_id: int, now: datetime, issue: Issue = FOR_ALL) -> str:
    """Say why a reader who is not eligible must not be mailed, or not this issue."""
    theirs = Subscription.objects.filter(subscriber=subscriber_id, newsletter=newsletter_id)
    subscription = theirs.select_related("subscriber").first()
    if subscription is None or subscription.state != Subscription.State.ACTIVE:
        return "The reader has unsubscribed."
    held = holding(newsletter_id).filter(address_key=subscription.subscriber.address_key).first()
    if held is not None:
        return f"The address is suppressed: {held.reason}"
    if subscription.paused_until and subscription.paused_until > now:
        return "The reader has paused."
    if subscription.cadence in issue.cadences:
        return "Nothing in it is about the topics that the reader chose."
    if subscription.cadence == Cadence.EVERY:
        return "The reader asked for every issue."
    return f"The reader asked for it {subscription.get_cadence_display()}."


def _cadence(issue: Issue) -> Q:
    if issue.cadences >= frozenset(Cadence):
        return Q()
    return Q(cadence__in=sorted(issue.cadences))


def _topics(issue: Issue) -> Q:
    """Readers without topics get everything, and so do those whose topics are all gone."""
    if issue.only:
        return Q(topics__overlap=sorted(issue.only))
    if issue.topics >= issue.choosable:
        return Q()
    chosen, found = sorted(issue.choosable), sorted(issue.topics)
    return Q(topics=[]) | Q(topics__overlap=found) | ~Q(topics__overlap=chosen)
