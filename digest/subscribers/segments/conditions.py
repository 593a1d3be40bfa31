"""Rules as a condition of the database: on subscribers, or on rows that have a subscriber's id.

Each rule is an EXISTS that an index serves, except comparisons of numbers, dates and parts of a
text in attributes, which read the profile of whoever else is left (docs/decisions/0046).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from digest.core import clock
from digest.subscribers.models import ConsentEvent, Profile, Subscriber, Subscription
from digest.subscribers.segments.clicks import clicked_since
from digest.subscribers.segments.fields import Catalog
from digest.subscribers.segments.rules import ATTRIBUTE, Group, Match, Operator, Rule

State = Subscription.State


@dataclass(frozen=True, slots=True)
class Context:
    """What conditions are made for: a publication, a moment, and where a subscriber's id is."""

    catalog: Catalog
    now: datetime
    subscriber: str = "pk"

    @property
    def newsletter_ids(self) -> list[int]:
        """Ids of the publication's newsletters."""
        return sorted(self.catalog.newsletter_ids.values())

    def days_ago(self, days: int) -> datetime:
        """Return the moment so many days ago."""
        return self.now - timedelta(days=days)

    def midnight(self, text: str) -> datetime:
        """Return when a day begins where the publication is (aware, UTC)."""
        zone = clock.zone(self.catalog.publication.timezone)
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)

    def today(self) -> date:
        """Return the day where the publication is."""
        return self.now.astimezone(clock.zone(self.catalog.publication.timezone)).date()

    def subscriptions(self) -> QuerySet[Subscription]:
        """Return the subscriptions of the subscriber in the publication."""
        return Subscription.objects.filter(
            subscriber=OuterRef(self.subscriber), newsletter__in=self.newsletter_ids
        )

    def profiles(self) -> QuerySet[Profile]:
        """Return the profile of the subscriber in the publication."""
        return Profile.objects.filter(
            subscriber=OuterRef(self.subscriber), publication=self.catalog.publication.pk
        )


def members(catalog: Catalog, rules: Group, now: datetime) -> QuerySet[Subscriber]:
    """Return the subscribers of the publication for whom rules hold at `now` (aware, UTC).

    They have an active subscription to one of its newsletters, unless a rule is about the state.
    """
    context = Context(catalog, now)
    return Subscriber.objects.filter(
        Exists(base_subscriptions(context, rules)), condition_of(rules, context)
    )


def base_subscriptions(context: Context, rules: Group) -> QuerySet[Subscription]:
    """Return subscriptions: a member of a segment has at least one of them."""
    rows = context.subscriptions()
    asks_state = any(rule.field == "state" for rule in rules.leaves())
    return rows if asks_state else rows.filter(state=State.ACTIVE)


def condition_of(rules: Group | Rule, context: Context) -> Q:
    """Return the condition that rules hold; an empty group holds for everyone."""
    if isinstance(rules, Rule):
        return _rule(rules, context)
    conditions = [condition_of(row, context) for row in rules.rules]
    if not conditions:
        return Q()
    return reduce(and_ if rules.match is Match.ALL else or_, conditions)


def _rule(rule: Rule, context: Context) -> Q:
    if rule.field.startswith(ATTRIBUTE):
        return _attribute(rule, context)
    return _CONDITIONS[rule.field](rule, context)


def _equal(rule: Rule, rows: QuerySet[Any]) -> Q:
    """Return whether rows exist, or do not where the rule says "is not"."""
    return ~Q(Exists(rows)) if rule.operator is Operator.IS_NOT else Q(Exists(rows))


def _newsletter(rule: Rule, context: Context) -> Q:
    newsletter_id = context.catalog.newsletter_ids[str(rule.value)]
    rows = Subscription.objects.filter(
        subscriber=OuterRef(context.subscriber), newsletter=newsletter_id, state=State.ACTIVE
    )
    return _equal(rule, rows)


def _state(rule: Rule, context: Context) -> Q:
    return _equal(rule, context.subscriptions().filter(state=rule.value))


def _topic(rule: Rule, context: Context) -> Q:
    return _equal(
        rule, context.subscriptions().filter(state=State.ACTIVE, topics__contains=[rule.value])
    )


def _cadence(rule: Rule, context: Context) -> Q:
    return _equal(rule, context.subscriptions().filter(state=State.ACTIVE, cadence=rule.value))


def _source(rule: Rule, context: Context) -> Q:
    rows = ConsentEvent.objects.filter(
        subscriber=OuterRef(context.subscriber),
        newsletter__in=context.newsletter_ids,
        via=rule.value,
    ).exclude(action=ConsentEvent.Action.UNSUBSCRIBED)
    return _equal(rule, rows)


def _joined(rule: Rule, context: Context) -> Q:
    """Compare when a subscriber first joined one of the newsletters they have now."""
    if rule.operator in {Operator.IN_LAST, Operator.NOT_IN_LAST}:
        limit = context.days_ago(int(rule.value or 0))
    else:
        days = 1 if rule.operator is Operator.AFTER else 0
        limit = context.midnight(str(rule.value)) + timedelta(days=days)
    rows = context.subscriptions().filter(state=State.ACTIVE)
    earlier = Q(Exists(rows.filter(confirmed_at__lt=limit)))
    if rule.operator in {Operator.NOT_IN_LAST, Operator.BEFORE}:
        return earlier
    return ~earlier & Q(Exists(rows.filter(confirmed_at__gte=limit)))


def _tag(rule: Rule, context: Context) -> Q:
    return _equal(rule, context.profiles().filter(tags__contains=[rule.value]))


def _email(rule: Rule, context: Context) -> Q:
    text = str(rule.value).casefold()
    lookup = "endswith" if rule.operator is Operator.ENDS_WITH else "contains"
    rows = Subscriber.objects.filter(pk=OuterRef(context.subscriber))
    return Q(Exists(rows.filter(**{f"address_key__{lookup}": text})))


def _clicked(rule: Rule, context: Context) -> Q:
    since = context.days_ago(int(rule.value or 0))
    clicked = Q(clicked_since(context.newsletter_ids, since, context.subscriber))
    return ~clicked if rule.operator is Operator.NOT_IN_LAST else clicked


def _attribute(rule: Rule, context: Context) -> Q:
    key, rows = rule.field.removeprefix(ATTRIBUTE), context.profiles()
    match rule.operator:
        case Operator.IS | Operator.IS_NOT:
            return _equal(rule, rows.filter(attributes__contains={key: rule.value}))
        case Operator.IS_SET:
            return Q(Exists(rows.filter(attributes__has_key=key)))
        case Operator.IS_NOT_SET:
            return ~Q(Exists(rows.filter(attributes__has_key=key)))
        case Operator.CONTAINS:
            text = rows.alias(value=KeyTextTransform(key, "attributes"))
            return Q(Exists(text.filter(value__icontains=str(rule.value))))
        case _:
            # KeyTransform by its class: a key may be called like a lookup.
            values = rows.alias(value=KeyTransform(key, "attributes"))
            return Q(Exists(values.filter(**_comparison(rule, context))))


def _comparison(rule: Rule, context: Context) -> dict[str, Any]:
    """Return how an attribute's number or date is compared; dates are texts in order of time."""
    if rule.operator in {Operator.IN_LAST, Operator.NOT_IN_LAST}:
        today = context.today()
        limit = (today - timedelta(days=int(rule.value or 0))).isoformat()
        if rule.operator is Operator.NOT_IN_LAST:
            return {"value__lt": limit}
        return {"value__gte": limit, "value__lte": today.isoformat()}
    lookup = {
        Operator.MORE_THAN: "gt",
        Operator.AFTER: "gt",
        Operator.LESS_THAN: "lt",
        Operator.BEFORE: "lt",
    }[rule.operator]
    return {f"value__{lookup}": rule.value}


_CONDITIONS: Mapping[str, Callable[[Rule, Context], Q]] = {
    "newsletter": _newsletter,
    "state": _state,
    "joined": _joined,
    "source": _source,
    "topic": _topic,
    "cadence": _cadence,
    "tag": _tag,
    "email": _email,
    "clicked": _clicked,
}
