"""What a token of one publication learns about another, or changes there, by writing: nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest

from digest.accounts.scopes import Scope
from digest.articles.models import Article
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import suppress
from tests.api.conftest import MakeCaller
from tests.cast import NOON, make_article, make_newsletter, make_source, make_subscriber

pytestmark = pytest.mark.django_db

EMAIL = "ines@reader.example"


def test_how_mails_look_is_changed(make_caller: MakeCaller, tide: Newsletter) -> None:
    """Colours, logos and pictures, of a publication that the token reaches."""
    Publication.objects.filter(pk=tide.publication_id).update(slug="courier")
    caller = make_caller()
    change = {"logo_dark_url": "https://c.example/d.png", "density": "compact", "accent_dark": ""}
    values = caller.json("PATCH", "/publications/courier", change | {"host_pictures": False})
    assert values.items() >= (change | {"host_pictures": False}).items()
    assert caller.json("GET", "/publications/courier") == values
    assert caller.json("GET", "/publications")["items"] == [values]
    for wrong in ({"fonts": "comic"}, {"accent": "red"}, {"logo_width": 9}, {"slug": "other"}):
        assert caller("PATCH", "/publications/courier", wrong).status_code == 422
    counting = {"tracking": "individual", "track_opens": True, "popularity_half_life": 24}
    values = caller.json("PATCH", "/publications/courier", counting)
    assert values.items() >= counting.items()
    for wrong in ({"tracking": "all"}, {"popularity_half_life": 0}, {"track_opens": "perhaps"}):
        assert caller("PATCH", "/publications/courier", wrong).status_code == 422
    look = {"design": "briefing", "reading_time": True, "contents_from": 0, "share_links": False}
    policies = caller.json("PATCH", "/newsletters/tide", look)["policies"]
    assert policies.items() >= look.items()


@pytest.fixture
def ebb() -> Newsletter:
    """Another publication's."""
    return make_newsletter(slug="ebb")


def _subscribed_elsewhere(ebb: Newsletter, _tide: Newsletter) -> None:
    make_subscriber(ebb, email=EMAIL, name="Inés Carrasco", timezone="Europe/Madrid")


def _suppressed_everywhere(_ebb: Newsletter, _tide: Newsletter) -> None:
    suppress(EMAIL, reason="complaint", evidence="theirs", now=NOON)


def _unsubscribed_here(_ebb: Newsletter, tide: Newsletter) -> None:
    make_subscriber(tide, email=EMAIL)
    Subscription.objects.update(state=Subscription.State.UNSUBSCRIBED, unsubscribed_at=NOON)


def _unknown(_ebb: Newsletter, _tide: Newsletter) -> None:
    pass


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize(
    "before", [_unknown, _subscribed_elsewhere, _suppressed_everywhere, _unsubscribed_here]
)
def test_adding_answers_only_what_was_sent(
    before: Any, make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter, *, confirmed: bool
) -> None:
    """Byte for byte the same, whoever the address belongs to and whatever they chose."""
    before(ebb, tide)
    caller = make_caller(Scope.SUBSCRIBERS_WRITE, publication=tide.publication)
    body = {"email": EMAIL, "newsletters": ["tide"], "evidence": "paper", "confirmed": confirmed}
    answer = caller("POST", "/subscribers", body)
    expected = {"email": EMAIL, "newsletters": ["tide"]}
    assert (answer.status_code, json.loads(answer.content)) == (202, expected)


def test_a_name_is_not_given_to_another_publications_subscriber(
    make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter
) -> None:
    """Their mails would greet with it; one of our own gets it."""
    make_subscriber(ebb, email=EMAIL)
    make_subscriber(tide, email="tom@reader.example")
    caller = make_caller(Scope.SUBSCRIBERS_WRITE, publication=tide.publication)
    for email in (EMAIL, "tom@reader.example"):
        body = {"email": email, "newsletters": ["tide"], "name": "You won", "evidence": "paper"}
        caller("POST", "/subscribers", body | {"confirmed": True})
    names = Subscriber.objects.values_list("email", "name")
    assert dict(names) == {EMAIL: "", "tom@reader.example": "You won"}


def test_adding_an_address_reads_no_profile_of_another_publication(
    make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter
) -> None:
    """A token that may write and read adds whom it only knows by address, and learns nothing."""
    details = {"name": "Inés Carrasco", "language": "es", "timezone": "Europe/Madrid"}
    subscriber = make_subscriber(ebb, email=EMAIL, created_at=NOON - timedelta(days=900), **details)
    Subscriber.objects.update(acted_at=NOON - timedelta(days=1))
    caller = make_caller(publication=tide.publication)
    body = {"email": EMAIL, "newsletters": ["tide"], "evidence": "paper", "confirmed": True}
    caller("POST", "/subscribers", body)
    path = f"/subscribers/{subscriber.pk}"
    [listed] = caller.json("GET", "/subscribers", email=EMAIL)["items"]
    for profile in (listed, caller.json("GET", path), caller.json("GET", f"{path}/export")):
        assert (profile["name"], profile["language"], profile["timezone"]) == ("", "", "")
        assert "2024" not in json.dumps(profile)
        assert profile.get("last_active_at") is None
        assert [row["newsletter"] for row in profile["subscriptions"]] == ["tide"]
    for token in (make_caller(name="all"), make_caller(publication=ebb.publication, name="ebb")):
        own = make_subscriber(ebb, **details)
        assert token.json("GET", f"/subscribers/{own.pk}")["name"] == "Inés Carrasco"


def test_a_push_changes_no_other_publications_article(
    make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter
) -> None:
    """The same guid and link are new here, and the other stays as it was; it cannot be touched."""
    article = make_article(make_source(ebb), title="Harbour board votes to dredge")
    caller = make_caller(publication=tide.publication)
    body = {"publication": tide.publication.slug, "url": article.url, "title": "CLICK HERE"}
    pushed = caller("POST", "/articles", body | {"guid": article.url})
    assert (pushed.status_code, json.loads(pushed.content)["outcome"]) == (201, "new")
    for method, path in (("PATCH", ""), ("POST", "/retract"), ("POST", "/mark-updated")):
        change = {"title": "X"} if method == "PATCH" else {}
        assert caller(method, f"/articles/{article.pk}{path}", change).status_code == 404
    other_body = body | {"publication": ebb.publication.slug}
    assert caller("POST", "/articles", other_body).status_code == 404
    article.refresh_from_db()
    assert (article.title, article.revision) == ("Harbour board votes to dredge", 1)
    assert (article.retracted_at, article.marked_updated_at) == (None, None)
    assert Article.objects.count() == 2


def test_a_source_that_another_publication_has_is_new_here(
    make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter
) -> None:
    """Its state tells nothing of theirs, and polling or removing ours leaves theirs alone."""
    url = "http://127.0.0.1:9/feed.xml"
    source = make_source(ebb, url=url, succeeded_at=NOON, title="Theirs")
    caller = make_caller(publication=tide.publication)
    assert caller("POST", "/sources", {"newsletter": "tide", "url": url}).status_code == 422
    assert caller("POST", f"/sources/{source.pk}/poll").status_code == 404
    assert caller("DELETE", f"/newsletters/tide/sources/{source.pk}").status_code == 404
    assert caller.json("GET", "/sources")["items"] == []
    source.refresh_from_db()
    assert (source.title, source.polled_at) == ("Theirs", None)


def test_a_pick_takes_our_own_articles_only(
    make_caller: MakeCaller, tide: Newsletter, ebb: Newsletter
) -> None:
    """A token of every publication cannot mix them either."""
    article = make_article(make_source(ebb))
    body = {"article": article.pk}
    for publication, status in ((tide.publication, 404), (None, 422)):
        caller = make_caller(publication=publication, name=f"publication {status}")
        assert caller("POST", "/newsletters/tide/picks", body).status_code == status
