"""Whom rules select: each field and operator, groups, and the borders of days."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from digest.analytics.models import Hit, HitKind, Verdict
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from digest.subscribers.segments import saving, wording
from digest.subscribers.segments.conditions import members
from digest.subscribers.segments.fields import catalog_of
from digest.subscribers.segments.membership import Membership
from digest.subscribers.segments.rules import RuleError
from tests.cast import (
    NOON,
    make_issue,
    make_newsletter,
    make_publication,
    make_subscriber,
    make_subscription,
)
from tests.concurrency import run_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Select = Callable[..., set[str]]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter of a publication in Berlin that counts each subscriber's clicks."""
    publication = make_publication(tracking="individual", timezone="Europe/Berlin")
    for label, kind, choices in (
        ("City", "text", []),
        ("Age", "number", []),
        ("Born", "date", []),
        ("Gave", "boolean", []),
        ("Plan", "choice", ["Free", "Paid"]),
    ):
        attributes.define(publication, label=label, kind=kind, choices=choices, now=NOON)
    return make_newsletter(publication=publication, slug="tide")


@pytest.fixture
def select(tide: Newsletter) -> Select:
    """Return names of the subscribers for whom a rule, or all of several, hold at noon."""

    def names(*rules: tuple[str, str, Any] | dict[str, Any], match: str = "all") -> set[str]:
        rows = [
            rule
            if isinstance(rule, dict)
            else dict(zip(("field", "operator", "value"), rule, strict=True))
            for rule in rules
        ]
        catalog = catalog_of(tide.publication)
        group = catalog.read({"match": match, "rules": rows})
        return set(members(catalog, group, NOON).values_list("name", flat=True))

    return names


def person(newsletter: Newsletter, name: str, **values: Any) -> Subscriber:
    """A subscriber with values of attributes."""
    subscriber = make_subscriber(newsletter, name=name)
    profiles.set_attributes(subscriber.pk, newsletter.publication_id, values)
    return subscriber


def test_attributes_are_compared_by_their_type(tide: Newsletter, select: Select) -> None:
    """Numbers as numbers, dates as dates; who has no value is none of "is", and one of "is not"."""
    person(tide, "ana", city="Berlin", age="9", born="2001-02-03", gave="yes", plan="free")
    person(tide, "ben", city="Bergen", age="10", born="1999-12-31", gave="no", plan="Paid")
    person(tide, "cid")
    for rule, expected in (
        (("attribute.city", "is", "Berlin"), {"ana"}),
        (("attribute.city", "is_not", "Berlin"), {"ben", "cid"}),
        (("attribute.city", "contains", "BER"), {"ana", "ben"}),
        (("attribute.city", "is_set", None), {"ana", "ben"}),
        (("attribute.city", "is_not_set", None), {"cid"}),
        (("attribute.age", "more_than", 9), {"ben"}),
        (("attribute.age", "less_than", "9.5"), {"ana"}),
        (("attribute.age", "is", "10.0"), {"ben"}),
        (("attribute.born", "before", "2001-02-03"), {"ben"}),
        (("attribute.born", "after", "1999-12-31"), {"ana"}),
        (("attribute.gave", "is", "yes"), {"ana"}),
        (("attribute.gave", "is_not", "yes"), {"ben", "cid"}),
        (("attribute.plan", "is", "PAID"), {"ben"}),
    ):
        assert select(rule) == expected, rule


def test_a_date_within_days_ends_today(tide: Newsletter, select: Select) -> None:
    """By the publication's day; a date to come is not within the last days."""
    today = NOON.date()
    for name, days in (("today", 0), ("edge", -7), ("older", -8), ("coming", 1)):
        person(tide, name, born=(today + timedelta(days=days)).isoformat())
    assert select(("attribute.born", "in_last", 7)) == {"today", "edge"}
    assert select(("attribute.born", "not_in_last", 7)) == {"older"}


def test_who_joined_when(tide: Newsletter, select: Select) -> None:
    """The first time counts, to the second; days begin where the publication is."""
    for name, ago in (("new", 30 * DAY), ("old", 30 * DAY + timedelta(seconds=1))):
        subscriber = make_subscriber(name=name)
        make_subscription(subscriber, tide, confirmed_at=NOON - ago)
    assert select(("joined", "in_last", 30)) == {"new"}
    assert select(("joined", "not_in_last", 30)) == {"old"}
    day = (NOON - 30 * DAY).date().isoformat()
    assert select(("joined", "before", day)) == set()
    assert select(("joined", "after", day)) == set()
    evening = make_newsletter(publication=tide.publication, slug="ebb")
    make_subscription(Subscriber.objects.get(name="old"), evening, confirmed_at=NOON)
    assert select(("joined", "in_last", 30)) == {"new"}


def test_subscriptions_tags_and_sources(tide: Newsletter, select: Select) -> None:
    """What a subscription says; an unsubscribed one counts only where the state is asked for."""
    ebb = make_newsletter(publication=tide.publication, slug="ebb")
    ana, ben = make_subscriber(tide, name="ana"), make_subscriber(ebb, name="ben")
    former = make_subscriber(tide, name="gone")
    Subscription.objects.filter(subscriber=former).update(state="unsubscribed")
    Subscription.objects.filter(subscriber=ana).update(topics=["Harbour"], cadence="weekly")
    profiles.add_tag("vip", tide.publication_id, [ana.pk])
    ConsentEvent.objects.create(
        subscriber=ben, newsletter=ebb, action="requested", at=NOON, via="page"
    )
    for rule, expected in (
        (("newsletter", "is", "tide"), {"ana"}),
        (("newsletter", "is_not", "tide"), {"ben"}),
        (("state", "is", "unsubscribed"), {"gone"}),
        (("state", "is_not", "unsubscribed"), {"ana", "ben"}),
        (("tag", "is", "VIP"), {"ana"}),
        (("tag", "is_not", "vip"), {"ben"}),
        (("topic", "is", "Harbour"), {"ana"}),
        (("cadence", "is", "weekly"), {"ana"}),
        (("source", "is", "page"), {"ben"}),
        (("source", "is_not", "page"), {"ana"}),
        (("email", "ends_with", "@READER.example"), {"ana", "ben"}),
        (("email", "contains", ana.email), {"ana"}),
    ):
        assert select(rule) == expected, rule


def test_who_clicked(tide: Newsletter, select: Select) -> None:
    """As a person, and in an issue of this publication; machines and opens do not count."""
    issue, other_issue = make_issue(tide), make_issue(make_newsletter())
    hits: dict[str, dict[str, Any]] = {
        "ana": {},
        "ben": {"verdict": Verdict.MACHINE},
        "cid": {"issue_id": other_issue.pk},
        "dee": {"at": NOON - 91 * DAY},
        "eve": {"kind": HitKind.OPEN},
    }
    for name, fields in hits.items():
        subscriber = make_subscriber(tide, name=name)
        values = {"issue_id": issue.pk, "at": NOON - DAY, "verdict": Verdict.HUMAN, "visitor": 1}
        defaults = values | {"kind": HitKind.CLICK, "network": "192.0.2.0/24"}
        Hit.objects.create(subscriber_id=subscriber.pk, **defaults | fields)
    assert select(("clicked", "in_last", 90)) == {"ana"}
    assert select(("clicked", "not_in_last", 90)) == {"ben", "cid", "dee", "eve"}


def test_groups(tide: Newsletter, select: Select) -> None:
    """All or any, and a group within a group."""
    person(tide, "ana", city="Berlin", age=30)
    person(tide, "ben", city="Berlin", age=50)
    person(tide, "cid", city="Bergen", age=50)
    berlin, older = ("attribute.city", "is", "Berlin"), ("attribute.age", "more_than", 40)
    assert select(berlin, older) == {"ben"}
    assert select(berlin, older, match="any") == {"ana", "ben", "cid"}
    inner = {
        "match": "any",
        "rules": [
            {"field": "attribute.age", "operator": "less_than", "value": 40},
            {"field": "attribute.city", "operator": "is", "value": "Bergen"},
        ],
    }
    assert select(inner, older) == {"cid"}
    assert select() == {"ana", "ben", "cid"}


def test_another_publication_is_not_touched(tide: Newsletter, select: Select) -> None:
    """Its tags, values and subscriptions are nothing to this one."""
    other = make_newsletter(publication=make_publication(slug="gazette"), slug="gazette")
    open_and_click = make_subscriber(tide, name="both")
    make_subscription(open_and_click, other, topics=["Harbour"])
    make_subscriber(other, name="theirs")
    attributes.define(other.publication, label="City", kind="text", now=NOON)
    profiles.set_attributes(open_and_click.pk, other.publication_id, {"city": "Berlin"})
    profiles.add_tag("vip", other.publication_id, [open_and_click.pk])
    assert select() == {"both"}
    for rule in (
        ("attribute.city", "is", "Berlin"),
        ("tag", "is", "vip"),
        ("topic", "is", "Harbour"),
    ):
        assert select(rule) == set()
    with pytest.raises(RuleError):
        select(("newsletter", "is", "gazette"))


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (("attribute.shoe", "is", "43"), "no field"),
        (("attribute.age", "is", "old"), "Enter a number"),
        (("attribute.born", "before", "12:30"), "Enter a date"),
        (("attribute.plan", "is", "Gold"), "Choose one of: Free, Paid"),
        (("joined", "in_last", 0), "from 1 to"),
        (("joined", "in_last", "²"), "from 1 to"),
        (("tag", "more_than", "a"), "cannot be compared"),
        (("tag", "is", ""), "missing"),
        (("state", "is", "asleep"), "not one of its values"),
        ({"field": "tag", "operator": "like", "value": "a"}, "is one of"),
        ({"field": "tag", "operator": "is", "value": ["a"]}, "is a text"),
        ({"rules": {}}, "a list"),
    ],
)
def test_rules_that_cannot_be_say_why(select: Select, rule: Any, problem: str) -> None:
    """Before anything is asked of the database."""
    with pytest.raises(RuleError, match=problem):
        select(rule)


def test_rules_have_limits(select: Select) -> None:
    """In number and in depth."""
    with pytest.raises(RuleError, match="50"):
        select(*[("tag", "is", "a")] * 51)
    deep: dict[str, Any] = {"rules": []}
    for _ in range(3):
        deep = {"rules": [deep]}
    with pytest.raises(RuleError, match="deep"):
        select(deep)


def test_rules_in_words(tide: Newsletter) -> None:
    """A sentence that an editor reads, and the reasons for one subscriber."""
    catalog = catalog_of(tide.publication)
    group = catalog.read(
        {
            "match": "all",
            "rules": [
                {"field": "attribute.city", "operator": "is", "value": "Berlin"},
                {"field": "joined", "operator": "in_last", "value": 30},
                {
                    "match": "any",
                    "rules": [
                        {"field": "clicked", "operator": "in_last", "value": 1},
                        {"field": "newsletter", "operator": "is_not", "value": "tide"},
                    ],
                },
            ],
        }
    )
    assert wording.describe(catalog, group) == (
        "Subscribers whose city is “Berlin” and who joined in the last 30 days and"
        " (who clicked in the last day or not subscribed to “The Morning Tide”)"
    )
    assert wording.describe(catalog, catalog.read({"rules": []})) == wording.EVERYONE
    ana = person(tide, "ana", city="Bergen")
    assert wording.reasons(catalog, group, ana, NOON) == [
        ("whose city is “Berlin”", False),
        ("who joined in the last 30 days", True),
        ("who clicked in the last day", False),
        ("not subscribed to “The Morning Tide”", False),
    ]


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"])
def test_a_date_that_no_calendar_reaches_is_refused(select: Select, day: str) -> None:
    """Moments beyond it cannot be calculated with."""
    with pytest.raises(RuleError, match="enter a year from 1900 to 2200"):
        select(("joined", "after", day))


def test_dates_and_days_at_the_limits_select(tide: Newsletter, select: Select) -> None:
    """The first and last day of a rule, and the most days."""
    person(tide, "ana")
    assert select(("joined", "after", "1900-01-01")) == {"ana"}
    assert select(("joined", "before", "2200-12-31")) == {"ana"}
    assert select(("joined", "in_last", "3660")) == {"ana"}
    for days in ("000001999999999", "3661", "0", "-1", "٣", "1e3"):
        with pytest.raises(RuleError, match="days from 1 to 3,660"):
            select(("joined", "in_last", days))


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_the_second_is_refused(tide: Newsletter) -> None:
    """As if it had come later: with the reason."""

    def create() -> str:
        try:
            saving.create(tide.publication, "Everyone", {"rules": []}, NOON)
        except SubscriberError as problem:
            return str(problem)
        return ""

    def define() -> str:
        try:
            attributes.define(tide.publication, label="Height", kind="number", now=NOON)
        except SubscriberError as problem:
            return str(problem)
        return ""

    assert sorted(run_at_once(create, create)) == ["", "There is a segment “Everyone” already."]
    assert sorted(run_at_once(define, define)) == ["", "There is an attribute “height” already."]


def test_a_segment_is_saved_once_and_not_deleted_while_it_is_used(tide: Newsletter) -> None:
    """Its name is unique in its publication; what uses it is named."""
    rules = {"match": "all", "rules": [{"field": "tag", "operator": "is", "value": "VIP"}]}
    segment = saving.create(tide.publication, "  Our friends ", rules, NOON)
    assert segment.rules["rules"][0]["value"] == "vip"
    with pytest.raises(SubscriberError, match="already"):
        saving.create(tide.publication, "Our friends", rules, NOON)
    ana, ben = make_subscriber(tide), make_subscriber(tide)
    profiles.add_tag("vip", tide.publication_id, [ana.pk])
    assert list(saving.members_of(segment, NOON)) == [ana]
    condition = Membership.of(segment, NOON).condition("subscriber_id")
    assert [row.subscriber_id for row in Subscription.objects.filter(condition)] == [ana.pk]
    assert ben.pk
    issue = make_issue(tide, segment=segment)
    with pytest.raises(SubscriberError, match="is used by"):
        saving.delete(segment)
    issue.delete()
    saving.delete(segment)
    assert not Segment.objects.exists()
