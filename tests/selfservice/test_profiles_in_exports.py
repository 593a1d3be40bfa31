"""What a publication knows of a subscriber is in their export, of its own publication alone."""

import pytest

from digest.bounces.models import SunsetQuestion
from digest.newsletters.audiences.models import Attribute
from digest.selfservice import data_export, erasure
from digest.sending.models import VariantChoice
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Profile
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber, make_subscription
from tests.clock import NOON

pytestmark = pytest.mark.django_db


def test_profiles_are_exported_and_erased() -> None:
    """Another publication's stay out of an export that is limited to newsletters."""
    tide = make_newsletter(slug="tide", publication=make_publication())
    gazette = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    subscriber = make_subscriber(tide)
    make_subscription(subscriber, gazette)
    attributes.define(tide.publication, label="Age", kind="number", now=NOON)
    profiles.set_attributes(subscriber.pk, tide.publication_id, {"age": 41})
    profiles.add_tag("press", gazette.publication_id, [subscriber.pk])
    export = data_export.export_subscriber(subscriber)
    tide_slug = tide.publication.slug
    assert export["profiles"] == [
        {"publication": tide_slug, "tags": [], "attributes": {"age": 41}},
        {"publication": "gazette", "tags": ["press"], "attributes": {}},
    ]
    limited = data_export.limit_to_newsletters(export, {"tide"})
    assert [row["publication"] for row in limited["profiles"]] == [tide_slug]
    erasure.erase(subscriber.pk, NOON)
    assert not Profile.objects.exists()
    assert Attribute.objects.exists()


def test_what_was_asked_and_tried_is_exported() -> None:
    """Whether they want to stay, and which variant of an experiment they got."""
    tide, gazette = make_newsletter(slug="tide"), make_newsletter(slug="gazette")
    subscriber = make_subscriber(tide)
    make_subscription(subscriber, gazette)
    for newsletter in (tide, gazette):
        issue = make_issue(newsletter)
        VariantChoice.objects.create(
            issue=issue, subscriber=subscriber, variant=1, probability=0.5, at=NOON
        )
        subscription = subscriber.subscriptions.get(newsletter=newsletter)
        SunsetQuestion.objects.create(subscription=subscription, asked_at=NOON)
    export = data_export.export_subscriber(subscriber)
    limited = data_export.limit_to_newsletters(export, {"tide"})
    for name in ("experiments", "questions_to_stay"):
        assert [row["newsletter"] for row in export[name]] == ["tide", "gazette"]
        assert [row["newsletter"] for row in limited[name]] == ["tide"]
    assert limited["experiments"][0]["variant"] == 1
    assert limited["questions_to_stay"][0]["outcome"] == "not answered yet"
    erasure.erase(subscriber.pk, NOON)
    assert not VariantChoice.objects.exists()
    assert not SunsetQuestion.objects.exists()
