"""`digest attribute`, `profile`, `segment` and `member`: the same rules as the console's pages."""

import pytest

from digest.accounts.models import Token
from digest.newsletters.models import Member, Newsletter
from digest.subscribers.segments import saving
from tests.cast import NOON, make_member, make_newsletter, make_subscriber
from tests.cli.conftest import Digest

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]


def test_attributes_are_defined_and_set(digest: Digest, tide: Newsletter) -> None:
    """A wrong value changes nothing and says what to enter."""
    subscriber, of = make_subscriber(tide), ("--publication", "courier")
    added = digest(
        *("attribute", "add", "Plan", "--type", "choice", "--choice", "Free", "--choice", "Paid"),
        *("--access", "change", *of),
    )
    assert "its key is plan" in added.out
    assert digest("attribute", "list", *of, "--json").json[0]["choices"] == ["Free", "Paid"]
    digest("attribute", "set", "plan", "--name", "Tariff", *of)
    assert "Tariff" in digest("attribute", "list", *of).out
    email = subscriber.email
    values = digest("profile", "set", email, "plan=paid", *of, "--json").json
    assert values["attributes"] == {"plan": "Paid"}
    refused = digest("profile", "set", email, "plan=Gold", *of)
    assert (refused.status, "Choose one of: Free, Paid." in refused.err) == (1, True)
    assert "KEY=VALUE" in digest("profile", "set", email, "plan", *of).err
    assert digest("profile", "tag", email, "VIP", "press", *of, "--json").json["tags"] == [
        *("press", "vip")
    ]
    digest("profile", "untag", email, "Press", *of)
    output = digest("profile", "show", email, *of).out
    assert "vip" in output
    assert "press" not in output
    stranger = make_subscriber()
    assert "is not a subscriber of" in digest("profile", "show", stranger.email, *of).err
    digest("attribute", "delete", "plan", *of)
    assert digest("profile", "show", email, *of, "--json").json["attributes"] == {}


def test_segments_are_listed_shown_and_deleted(digest: Digest, tide: Newsletter) -> None:
    """In words, with how many belong to them."""
    of = ("--publication", "courier")
    assert "No segments yet." in digest("segment", "list", *of).out
    subscriber = make_subscriber(tide)
    rule = {"field": "newsletter", "operator": "is", "value": "tide"}
    saving.create(tide.publication, "Readers", {"rules": [rule]}, NOON)
    assert "subscribed to" in digest("segment", "list", *of).out
    values = digest("segment", "show", "Readers", *of, "--json").json
    assert (values["subscribers"], values["first"]) == (1, [subscriber.email])
    assert subscriber.email in digest("segment", "show", "Readers", *of).out
    assert "There is no segment" in digest("segment", "show", "Nobody", *of).err
    digest("segment", "delete", "Readers", *of)
    assert not tide.publication.segments.exists()


def test_members_and_tokens_are_limited_to_newsletters(digest: Digest, tide: Newsletter) -> None:
    """Of the publication alone; an owner cannot be."""
    publication, of = tide.publication, ("--publication", "courier")
    make_newsletter(slug="flood")
    make_member(publication, "editor", email="ed@courier.example")
    digest("member", "set", "ed@courier.example", *of, "--newsletter", "tide")
    assert Member.objects.get().newsletter_ids == [tide.pk]
    assert digest("member", "list", "--json").json[0]["newsletters"] == ["tide"]
    assert "tide" in digest("member", "list").out
    assert digest("member", "set", "ed@courier.example", *of, "--role", "owner").status == 1
    assert digest("member", "set", "ed@courier.example", *of, "--newsletter", "flood").status == 1
    digest("member", "set", "ed@courier.example", *of, "--role", "analyst")
    assert (Member.objects.get().role, Member.objects.get().newsletter_ids) == (
        "analyst",
        [tide.pk],
    )
    digest("member", "set", "ed@courier.example", *of, "--all-newsletters")
    assert Member.objects.get().newsletter_ids == []
    token = ("token", "add", "cms", "--scope", "all", "--owner", "ed@courier.example")
    assert "--publication SLUG" in digest(*token, "--newsletter", "tide").err
    assert "is not a newsletter of" in digest(*token, *of, "--newsletter", "flood").err
    digest(*token, *of, "--newsletter", "tide")
    assert Token.objects.get().newsletter_ids == [tide.pk]
