"""What subscribers see and set of their own attribute values, as each attribute allows it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from digest.core import addresses, links
from digest.newsletters.models import Newsletter
from digest.selfservice import confirmation, signups
from digest.subscribers import attributes, own_values, profiles
from digest.subscribers.models import Profile, SignUp, Subscriber
from digest.web import forms
from tests.cast import (
    NOON,
    make_layout_block,
    make_newsletter,
    make_publication,
    make_subscriber,
)

pytestmark = pytest.mark.django_db
STRANGER: dict[str, Any] = {"values": {"job": "X"}, "answers": {"name": "Idiot"}}


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter whose publication has an attribute of each access."""
    newsletter = make_newsletter(slug="tide", publication=make_publication())
    for label, access in (
        ("Secret", "none"),
        ("Since", "see"),
        ("City", "change"),
        ("Job", "sign-up"),
    ):
        attributes.define(newsletter.publication, label=label, kind="text", access=access, now=NOON)
    return newsletter


def values_of(subscriber: Subscriber, newsletter: Newsletter) -> dict[str, attributes.Value]:
    """The values that are stored."""
    profile = profiles.profile_of(subscriber.pk, newsletter.publication_id)
    return dict(profile.attributes)


def entered() -> list[dict[str, attributes.Value]]:
    """What was entered with the requests that wait."""
    return [row["values"] for row in Profile.objects.get().unconfirmed or ()]


def test_the_preferences_page_shows_and_takes_what_is_allowed(
    client: Client, tide: Newsletter
) -> None:
    """Nothing else, whatever is posted; an emptied field removes the value."""
    subscriber = make_subscriber(tide)
    before = {"secret": "x1", "since": "y2", "city": "Oslo", "job": "Baker"}
    profiles.set_attributes(subscriber.pk, tide.publication_id, before)
    address = links.preferences_url(subscriber, tide.publication).removeprefix(links.absolute(""))
    page = client.get(address).content.decode()
    assert "x1" not in page
    assert "y2" in page
    assert 'name="attribute-since"' not in page
    fields = {f"attribute-{key}": "new" for key in before} | {"attribute-city": ""}
    client.post(address, {"action": "profile", "name": "Ana", **fields})
    after = {"secret": "x1", "since": "y2", "job": "new"}
    assert values_of(subscriber, tide) == after


def test_a_value_of_a_wrong_type_is_refused_in_words(client: Client, tide: Newsletter) -> None:
    """And nothing is saved."""
    attributes.define(tide.publication, label="Born", kind="date", access="change", now=NOON)
    subscriber = make_subscriber(tide)
    address = links.preferences_url(subscriber, tide.publication).removeprefix(links.absolute(""))
    fields = {"action": "profile", "attribute-born": "12:30", "attribute-city": "Oslo"}
    page = client.post(address, fields)
    assert page.status_code == 422
    assert "Born: this value cannot be saved" in page.content.decode()
    assert values_of(subscriber, tide) == {}


def test_a_sign_up_brings_values_once_it_is_confirmed(client: Client, tide: Newsletter) -> None:
    """Anybody may send a form: before that nothing of a subscriber changes."""
    offered = client.get("/subscribe/tide", headers={"Accept": "application/json"}).json()
    assert [row["field"] for row in offered["attributes"]] == ["attribute-job"]
    token = forms.make_token(tide, NOON - timedelta(seconds=10))
    fields = {"email": "ana@r.example", "attribute-job": "Baker", "attribute-city": "Rome"}
    answer = client.post("/subscribe/tide", fields | {"token": token})
    assert answer.status_code == 200
    assert SignUp.objects.get().values == {"job": "Baker"}
    signups.settle_due(NOON)
    subscriber = Subscriber.objects.get()
    assert values_of(subscriber, tide) == {}
    link = confirmation.ConfirmationLink(subscriber.pk, (tide.pk,), NOON, expired=False)
    confirmation.confirm(link, ip=None, now=NOON)
    assert values_of(subscriber, tide) == {"job": "Baker"}
    assert Profile.objects.get().unconfirmed is None


def test_a_strangers_sign_up_changes_nothing_of_a_subscriber(tide: Newsletter) -> None:
    """Who receives the newsletter already keeps their values."""
    subscriber = make_subscriber(tide, email="ana@r.example")
    signups.invite(
        addresses.parse("ana@r.example"), [tide], via="page", values={"job": "X"}, now=NOON
    )
    own_values.apply(subscriber.pk, tide.publication_id, NOON)
    assert values_of(subscriber, tide) == {}


@pytest.mark.parametrize("wait", [timedelta(hours=2), timedelta(days=20)])
def test_what_a_stranger_entered_is_not_confirmed_by_another_request(
    tide: Newsletter, wait: timedelta
) -> None:
    """Of another newsletter, or on a form without these fields: what its mail tells of counts."""
    weekly = make_newsletter(slug="weekly", publication=tide.publication)
    address = addresses.parse("ana@r.example")
    signups.invite(address, [tide], via="page", now=NOON, **STRANGER)
    later = NOON + wait
    signups.invite(address, [tide, weekly], via="page", now=later)
    confirm(later, tide, weekly)
    subscriber = Subscriber.objects.get()
    assert subscriber.subscriptions.filter(state="active").count() == 2
    assert (values_of(subscriber, tide), subscriber.name) == ({}, "")


@pytest.mark.parametrize("wait", [timedelta(minutes=5), timedelta(hours=2)])
def test_what_a_stranger_adds_is_not_confirmed_by_an_earlier_mail(
    tide: Newsletter, wait: timedelta
) -> None:
    """Neither within the hour, in which nothing else is mailed, nor by a mail of their own."""
    make_layout_block(tide, kind="topic", title="Harbour", topics=["harbour"])
    address = addresses.parse("ana@r.example")
    own = {"name": "Ana", "topics": {str(tide.pk): ["Harbour"]}}
    signups.invite(address, [tide], via="page", now=NOON, values={"job": "Baker"}, answers=own)
    later = NOON + wait
    notice = signups.invite(address, [tide], via="page", now=later, **STRANGER)
    assert (notice is None) == (wait < timedelta(hours=1))
    confirm(NOON, tide)
    subscriber = Subscriber.objects.get()
    assert (values_of(subscriber, tide), subscriber.name) == ({"job": "Baker"}, "Ana")
    subscription = subscriber.subscriptions.get()
    assert (subscription.topics, subscription.answers) == (["Harbour"], None)


def test_one_mail_for_two_requests_has_the_topics_of_both(tide: Newsletter) -> None:
    """Of a newsletter that nobody had asked for; names and values are those of the first one."""
    second, third = (make_newsletter(slug=slug, publication=tide.publication) for slug in "ab")
    address = addresses.parse("ana@r.example")
    signups.invite(address, [tide], via="page", now=NOON)
    soon, later = NOON + timedelta(minutes=1), NOON + timedelta(hours=1)
    own = {"name": "Ana", "topics": {str(second.pk): ["Harbour"]}}
    assert signups.invite(address, [second], via="page", now=soon, answers=own)
    wish = STRANGER | {"answers": {"name": "Idiot", "topics": {str(third.pk): ["Culture"]}}}
    assert signups.invite(address, [third], via="page", now=soon, **wish) is None
    confirm(later, second, third)
    subscriber = Subscriber.objects.get()
    assert (values_of(subscriber, tide), subscriber.name) == ({}, "Ana")
    topics = dict(subscriber.subscriptions.values_list("newsletter", "topics"))
    assert topics == {tide.pk: [], second.pk: ["Harbour"], third.pk: ["Culture"]}


def test_each_mail_confirms_what_was_entered_with_its_own_request(tide: Newsletter) -> None:
    """The one of the first newsletter leaves what the second one's form had, until its own."""
    weekly = make_newsletter(slug="weekly", publication=tide.publication)
    address, soon = addresses.parse("ana@r.example"), NOON + timedelta(minutes=10)
    signups.invite(address, [tide], via="page", now=NOON)
    signups.invite(address, [weekly], via="page", values={"job": "Baker"}, now=soon)
    confirm(NOON, tide)
    assert values_of(Subscriber.objects.get(), tide) == {}
    confirm(NOON + timedelta(hours=1), weekly)
    assert values_of(Subscriber.objects.get(), tide) == {"job": "Baker"}
    assert entered() == []


def confirm(written_at: datetime, *newsletters: Newsletter) -> None:
    """Their subscriber uses the link in a mail."""
    pks = tuple(newsletter.pk for newsletter in newsletters)
    subscriber_id = Subscriber.objects.get().pk
    link = confirmation.ConfirmationLink(subscriber_id, pks, written_at, expired=False)
    confirmation.confirm(link, ip=None, now=written_at)


def test_what_nobody_confirmed_goes_with_the_request(tide: Newsletter) -> None:
    """Also if its subscriber stays, with another newsletter; that of a newer request stays."""
    gazette = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    address, old = addresses.parse("ana@r.example"), NOON - timedelta(days=40)
    subscriber = make_subscriber(gazette, email="ana@r.example")
    signups.invite(address, [tide], via="page", values={"job": "X"}, now=old)
    assert entered() == [{"job": "X"}]
    weekly = make_newsletter(slug="weekly", publication=tide.publication)
    signups.invite(address, [weekly], via="page", values={"job": "Y"}, now=NOON)
    signups.settle_due(NOON)
    assert entered() == [{"job": "Y"}]
    signups.settle_due(NOON + timedelta(days=40))
    assert Profile.objects.get().unconfirmed is None
    assert Subscriber.objects.get() == subscriber


def test_the_form_asks_and_says_what_is_wrong(client: Client, tide: Newsletter) -> None:
    """Beside the field for the address; what was entered stays."""
    attributes.define(tide.publication, label="Age", kind="number", access="sign-up", now=NOON)
    page = client.get("/subscribe/tide").content.decode()
    assert 'name="attribute-age"' in page
    assert 'name="attribute-city"' not in page
    token = forms.make_token(tide, NOON - timedelta(seconds=10))
    fields = {"email": "ana@r.example", "token": token, "attribute-age": "old"}
    answer = client.post("/subscribe/tide", fields)
    assert answer.status_code == 422
    assert "Age: this value cannot be saved" in answer.content.decode()
    assert not SignUp.objects.exists()
