"""The choices of an attribute change, and segments go on selecting the same subscribers."""

from typing import Any

import pytest

from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Newsletter
from digest.sending import planning
from digest.subscribers import attributes, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast import LONG_AGO, NOON, make_issue, make_newsletter, make_story, make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(tide: Newsletter) -> Attribute:
    """The plans of its publication."""
    return attributes.define(
        tide.publication, label="Plan", kind="choice", choices=["free", "gold"], now=NOON
    )


def person(newsletter: Newsletter, plan: str) -> Subscriber:
    """A subscriber of a plan."""
    subscriber = make_subscriber(newsletter)
    profiles.set_attributes(subscriber.pk, newsletter.publication_id, {"plan": plan})
    return subscriber


def values(newsletter: Newsletter) -> list[Any]:
    """Return the plans of all subscribers, in the order in which they joined."""
    rows = Subscriber.objects.order_by("pk")
    return [
        profiles.profile_of(row.pk, newsletter.publication_id).attributes.get("plan")
        for row in rows
    ]


def not_gold(*, group: bool = False) -> dict[str, Any]:
    """Return the rule "Plan is not gold", also in a group."""
    rule = {"field": "attribute.plan", "operator": "is_not", "value": "gold"}
    return {"rules": [{"match": "any", "rules": [rule]}] if group else [rule]}


@pytest.mark.parametrize("group", [False, True])
def test_a_choice_that_is_spelled_differently_is_the_same_one(
    tide: Newsletter, plan: Attribute, *, group: bool
) -> None:
    """In what subscribers have and in rules: nobody joins a segment, or leaves it, by that."""
    free, _gold = person(tide, "free"), person(tide, "gold")
    segment = saving.create(tide.publication, "Not gold", not_gold(group=group), NOON)
    assert list(saving.members_of(segment, NOON)) == [free]
    attributes.change(plan, choices=["free", "Gold"])
    segment.refresh_from_db()
    assert list(saving.members_of(segment, NOON)) == [free]
    assert values(tide) == ["free", "Gold"]
    assert "gold" not in str(segment.rules)


def test_letters_beyond_lowercase_are_the_same_choice(tide: Newsletter, plan: Attribute) -> None:
    """Values are read by folding case: "Straße" is "STRASSE"."""
    attributes.change(plan, choices=["Straße"])
    person(tide, "straße")
    attributes.change(plan, choices=["STRASSE"])
    assert values(tide) == ["STRASSE"]


def test_a_choice_that_comes_back_is_what_subscribers_kept(
    tide: Newsletter, plan: Attribute
) -> None:
    """Others of another publication stay as they are."""
    ebb = make_newsletter(slug="ebb")
    attributes.define(ebb.publication, label="Plan", kind="choice", choices=["gold"], now=NOON)
    person(tide, "gold"), person(ebb, "gold")
    attributes.change(plan, choices=["free"])
    assert values(tide) == ["gold", None]
    attributes.change(plan, choices=["free", "GOLD"])
    assert values(tide) == ["GOLD", None]
    assert values(ebb) == [None, "gold"]


def test_a_choice_that_a_segment_asks_for_is_not_taken_away(
    tide: Newsletter, plan: Attribute
) -> None:
    """As nobody could say then who belongs to it; others can be."""
    segment = saving.create(tide.publication, "Not gold", not_gold(group=True), NOON)
    with pytest.raises(SubscriberError, match="“Not gold” asks for “gold”"):
        attributes.change(plan, choices=["free"])
    plan.refresh_from_db()
    attributes.change(plan, choices=["gold", "silver"])
    saving.delete(segment)
    attributes.change(plan, choices=["silver"])


def test_no_spelling_changes_while_an_issue_goes_out_to_it(
    tide: Newsletter, plan: Attribute
) -> None:
    """A sender has read the rules already, and would compare them with the new values."""
    person(tide, "free")
    segment = saving.create(tide.publication, "Not gold", not_gold(), NOON)
    make_story(make_issue(tide, slot=LONG_AGO, segment=segment))
    planning.plan_built(NOON)
    with pytest.raises(SubscriberError, match="is going out"):
        attributes.change(plan, choices=["free", "Gold"])
    plan.refresh_from_db()
    attributes.change(plan, choices=["Free", "gold"])
    assert values(tide) == ["Free"]


def test_two_choices_differ_in_more_than_capitals(plan: Attribute) -> None:
    """Or a value could be either of them."""
    with pytest.raises(SubscriberError, match="differ only in capitals"):
        attributes.change(plan, choices=["free", "gold", "Gold"])
