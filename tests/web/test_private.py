"""A private newsletter is on no public page: its issues are for those who get its mails."""

import re
from email import message_from_bytes, policy
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver

from digest.core import links
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.sending.outgoing import compose_sample
from tests.cast import NOON, make_issue, make_newsletter, make_story, make_subscriber

pytestmark = pytest.mark.django_db
HEADLINE = "The mayor's private list"


@pytest.fixture
def private() -> Newsletter:
    """A newsletter that only invited people get."""
    return make_newsletter(slug="insiders", name="Insiders only", state="private")


def sent(newsletter: Newsletter, **fields: Any) -> Issue:
    """An issue that went out, with one story."""
    defaults = {"state": Issue.State.SENT, "planned_at": NOON, "finished_at": NOON}
    issue = make_issue(newsletter, **defaults | fields)
    make_story(issue, title=HEADLINE)
    return issue


def mailed_link(issue: Issue) -> str:
    """The path behind “View in browser” in an issue's mails."""
    message = message_from_bytes(compose_sample(issue), policy=policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    match = re.search(r"View in browser:\s+https://digest.example(\S+)", part.get_content())
    assert match
    return match[1]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/archive/{slug}",
        "/archive/{slug}?page=1",
        "/archive/{slug}/feed.xml",
        "/archive/{slug}/{key}",
        "/archive/{public}/{key}",
        "/subscribe/{slug}",
        "/subscribe/{public}",
        "/embed/{slug}/signup",
        "/embed/{slug}/signup.js",
        "/embed/{public}/signup",
        "/embed/{slug}/latest",
        "/embed/{slug}/popular.js",
    ],
)
def test_no_public_page_names_it(client: Client, private: Newsletter, path: str) -> None:
    """Home, archive, feed, issue, sign-up: nothing says that the newsletter exists."""
    issue = sent(private)
    public = make_newsletter(publication=private.publication)
    path = path.format(slug=private.slug, key=issue.key, public=public.slug)
    response = client.get(path)
    page = response.content.decode()
    assert "Insiders" not in page
    assert HEADLINE not in page
    assert "insiders" not in page
    if "/insiders" in path:
        unknown = client.get(path.replace("insiders", "no-such-thing"))
        assert (response.status_code, page) == (404, unknown.content.decode())


def test_no_address_with_a_slug_is_forgotten(client: Client, private: Newsletter) -> None:
    """Whichever public address takes a newsletter's slug, it knows none that is private."""
    names = {
        str(pattern.pattern)
        for pattern in get_resolver("digest.web.urls").url_patterns
        if "<slug:slug>" in str(pattern.pattern)
    }
    assert len(names) >= 7
    for name in names:
        path = name.replace("<slug:slug>", private.slug).replace("<slug:key>", sent_key(private))
        request = client.post if path.endswith("/open") else client.get
        assert request(f"/{path}").status_code == 404, path


def sent_key(newsletter: Newsletter) -> str:
    """The key of the newsletter's issue."""
    return (newsletter.issues.first() or sent(newsletter)).key


def test_home_of_private_newsletters_alone_is_empty(client: Client, private: Newsletter) -> None:
    """Not even the publication is named."""
    page = client.get("/").content.decode()
    assert private.publication.name not in page


@pytest.mark.parametrize("cadence", ["every", "daily", "weekly"])
def test_its_mails_link_to_its_issue(client: Client, private: Newsletter, cadence: str) -> None:
    """The link shows that issue, to no search engine, and names no page that is not there."""
    issue = sent(private, cadence=cadence)
    response = client.get(mailed_link(issue))
    assert response.status_code == 200
    assert "private list" in response.content.decode()
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "private" in response.headers["Cache-Control"]
    assert "Past issues" not in response.content.decode()
    assert "/archive/" not in compose_sample(issue).decode()
    assert "List-Archive" not in compose_sample(issue).decode()


def test_link_is_of_one_issue(client: Client, private: Newsletter) -> None:
    """A changed link, one of an issue that has not left, and one of a reused id lead nowhere."""
    issue = sent(private)
    path = mailed_link(issue)
    assert client.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404
    assert client.get("/issue/x").status_code == 404
    assert client.get(f"/issue/{links.sign_rows('story', issue)}").status_code == 404
    assert client.get(f"/issue/{links.sign('issue', issue.pk)}").status_code == 404
    Issue.objects.filter(pk=issue.pk).update(state="built", planned_at=None)
    assert client.get(path).status_code == 404
    Issue.objects.filter(pk=issue.pk).update(state="sent", planned_at=NOON, uuid=uuid4())
    assert client.get(path).status_code == 410  # another issue under the same id


def test_subscribers_pages_name_it_without_its_archive(client: Client, private: Newsletter) -> None:
    """Who subscribes finds it in the preferences, and can unsubscribe, as with every newsletter."""
    subscriber = make_subscriber(private)
    url = links.preferences_url(subscriber, private.publication)
    page = client.get(url.removeprefix("https://digest.example")).content.decode()
    assert "Insiders only" in page
    token = links.unsubscribe_token(subscriber, private)
    page = client.get(f"/unsubscribe/{token}").content.decode()
    assert "Insiders only" in page
    assert "/archive/" not in page
