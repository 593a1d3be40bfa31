"""The catalogue: all newsletters of a publication, several at once."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.notices.models import Notice
from digest.selfservice import signups
from digest.subscribers.models import ConsentEvent, Subscription
from tests.cast import (
    NOON,
    make_issue,
    make_newsletter,
    make_publication,
    make_schedule,
    make_story,
)
from tests.web.signing_up import NADIA, confirm_path, token

pytestmark = pytest.mark.django_db
ADDRESS = "/newsletters/courier"


@pytest.fixture
def courier() -> Publication:
    """The Saltmarsh Courier with a newsletter in each state."""
    courier = make_publication(slug="courier", tagline="News from the coast")
    for state in ("live", "announced", "paused", "closed", "private"):
        make_newsletter(publication=courier, slug=state, name=f"The {state} one", state=state)
    return courier


def send(client: Client, courier: Publication, *slugs: str, **fields: Any) -> Any:
    """Send the form as a browser does."""
    data = {"email": NADIA, "token": token(courier), "choice": "1", "newsletters": list(slugs)}
    return client.post(ADDRESS, data | fields)


def test_it_shows_what_there_is(client: Client, courier: Publication) -> None:
    """How often, a picture, the latest issue; what has ended is named, what is private is not."""
    live = Newsletter.objects.get(slug="live")
    make_schedule(live, days=[0, 1, 2, 3, 4])
    issue = make_issue(live, state=Issue.State.SENT, planned_at=NOON, finished_at=NOON)
    make_story(issue, image_url="https://courier.example/seal.jpg")
    answer = client.get(ADDRESS)
    page = answer.content.decode()
    assert "Monday to Friday" in page
    assert "https://courier.example/seal.jpg" in page
    assert f"/archive/live/{issue.key}" in page
    assert re.findall(r'name="newsletters" value="(\w+)"', page) == ["announced", "live", "paused"]
    assert "The closed one" in page
    assert "has ended" in page
    assert "private" not in page
    assert not answer.cookies


def test_several_take_one_confirmation(client: Client, courier: Publication) -> None:
    """One mail, one press."""
    assert send(client, courier, "live", "announced", "closed", "private").status_code == 200
    signups.settle_due()
    assert Notice.objects.count() == 1
    client.post(confirm_path())
    active = Subscription.objects.filter(state="active")
    assert set(active.values_list("newsletter__slug", flat=True)) == {"live", "announced"}
    event = ConsentEvent.objects.filter(action="requested").first()
    assert event is not None
    assert event.via == "catalogue"
    assert event.wording == "I want to receive the newsletters selected here by email."
    assert event.wording in client.get(ADDRESS).content.decode()


def test_nothing_chosen_is_said(client: Client, courier: Publication) -> None:
    """With the address still there; nothing is chosen beforehand."""
    answer = send(client, courier)
    assert answer.status_code == 422
    assert "Choose at least one newsletter." in answer.content.decode()
    assert f'value="{NADIA}"' in answer.content.decode()


def test_a_link_may_choose_beforehand(client: Client, courier: Publication) -> None:
    """As from an article about the harbour."""
    page = client.get(f"{ADDRESS}?newsletter=live").content.decode()
    assert re.findall(r'value="(\w+)" checked', page) == ["live"]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "he", "ar"])
def test_it_speaks_the_languages_of_the_mails(
    client: Client, courier: Publication, language: str
) -> None:
    """Days of the week too."""
    make_schedule(Newsletter.objects.get(slug="live"), days=[4])
    page = client.get(f"{ADDRESS}?lang={language}").content.decode()
    assert f'<html lang="{language}"' in page
    assert ("Once a week" in page) == (language == "en")


def test_search_engines_understand_it(client: Client, courier: Publication) -> None:
    """JSON-LD names the newsletters, and the map of the site has the page."""
    Newsletter.objects.filter(slug="live").update(name="</script><b>Live & well")
    page = client.get(ADDRESS).content.decode()
    match = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert match
    names = [part["name"] for part in json.loads(match[1])["hasPart"]]
    assert "</script><b>Live & well" in names
    assert "/newsletters/courier</loc>" in client.get("/sitemap.xml").content.decode()


def test_a_publication_without_public_newsletters_has_none(client: Client) -> None:
    """It answers as if there were no such publication."""
    newsletter = make_newsletter(state="private")
    assert client.get(f"/newsletters/{newsletter.publication.slug}").status_code == 404
