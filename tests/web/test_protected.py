"""Past issues that not everyone may read: the teaser, the ways in, and what must not leak."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.core import clock, links
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.notices.models import Notice
from digest.rendering.links import share_links
from digest.selfservice import signups
from digest.sending import public_archive
from digest.subscribers import consent, profiles
from digest.subscribers.models import ConsentEvent, SignUp, Subscriber
from digest.subscribers.segments import saving
from digest.transfers.models import PastIssue
from tests.cast import NOON, make_block, make_issue, make_newsletter, make_story, make_subscriber
from tests.web.signing_up import NADIA, letter, path, token

pytestmark = pytest.mark.django_db
TEXT = "Only members read how the vote was bought."
PASSWORD = "low water at nine"


@pytest.fixture
def tide(tide: Newsletter) -> Newsletter:
    """The Morning Tide, whose past issues are for subscribers."""
    restricting.set_archive(tide, "subscribers")
    return tide


@pytest.fixture
def issue(tide: Newsletter) -> Issue:
    """An issue that went out."""
    issue = make_issue(
        tide, state=Issue.State.SENT, planned_at=NOON, finished_at=NOON, subject="The vote"
    )
    make_story(issue, title="How the vote was bought", summary=TEXT)
    return issue


@pytest.fixture
def nadia(tide: Newsletter) -> Subscriber:
    """A subscriber."""
    return make_subscriber(tide, email=NADIA)


def address_of(issue: Issue) -> str:
    """The page of an issue in the archive."""
    return f"/archive/{issue.newsletter.slug}/{issue.key}"


def request_link(client: Client, issue: Issue, email: str = NADIA, **fields: object) -> str:
    """Ask for a link, as the form of the page does; return the page that answers."""
    data = {"email": email, "token": token(issue.newsletter)} | fields
    return client.post(f"{address_of(issue)}/open", data).content.decode()


def test_everybody_sees_a_teaser_and_nobody_the_text(client: Client, issue: Issue) -> None:
    """No cache keeps the page; the list names the issue, as it names others."""
    answer = client.get(address_of(issue))
    page = answer.content.decode()
    assert "The vote" in page
    assert "How the vote was bought" in page
    assert TEXT not in page
    assert "This issue is for subscribers" in page
    assert answer["Cache-Control"] == "private, no-store"
    assert "The vote" in client.get(f"/archive/{issue.newsletter.slug}").content.decode()


@pytest.mark.parametrize("limits", [{"hidden": True}, {"shown_in": "mail"}])
def test_the_teaser_has_only_headlines_of_the_page(
    client: Client, issue: Issue, limits: dict[str, Any]
) -> None:
    """None of a block that is hidden or in email only, nor its picture."""
    picture = "https://courier.example/pay.jpg"
    make_story(issue, block=make_block(issue, **limits), title="Pay gap", image_url=picture)
    page = client.get(address_of(issue)).content.decode()
    assert "How the vote was bought" in page
    assert "Pay gap" not in page
    assert picture not in page


def test_feed_and_site_map_have_no_text(client: Client, issue: Issue) -> None:
    """An issue that is public again is in both."""
    feed, site_map = f"/archive/{issue.newsletter.slug}/feed.xml", "/sitemap.xml"
    assert TEXT not in client.get(feed).content.decode()
    assert "The vote" in client.get(feed).content.decode()
    assert issue.key not in client.get(site_map).content.decode()
    public_archive.set_access(issue, "public")
    assert TEXT in client.get(feed).content.decode()
    assert issue.key in client.get(site_map).content.decode()
    answer = client.get(address_of(issue))
    assert TEXT in answer.content.decode()
    assert "public" in answer["Cache-Control"]


def test_the_link_in_its_mails_opens_it(client: Client, issue: Issue) -> None:
    """What the mail shares is the page with the teaser."""
    answer = client.get(path(links.issue_url(issue)))
    assert TEXT in answer.content.decode()
    assert "private" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    shared = json.dumps(share_links(issue, "The vote"))
    assert "/issue/" not in shared
    assert issue.key in shared


def test_a_subscriber_reads_by_a_link_to_their_address(
    client: Client, issue: Issue, nadia: Subscriber, tide: Newsletter
) -> None:
    """For as long as they subscribe, in the browser that opened the link."""
    assert "we have sent it an email" in request_link(client, issue)
    link = letter("read").links["confirm"]
    opened = client.get(path(link), follow=True)
    assert TEXT in opened.content.decode()
    assert opened["Cache-Control"] == "private, no-store"
    assert opened["X-Robots-Tag"] == "noindex, nofollow"
    cookie = client.cookies[f"digest-archive-{tide.pk}"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        *(True, "Lax"),
        f"/archive/{tide.slug}",
    )
    assert TEXT not in Client().get(address_of(issue)).content.decode()
    consent.unsubscribe(nadia.pk, tide.pk, via="page", ip=None, now=clock.now())
    assert TEXT not in client.get(address_of(issue)).content.decode()
    assert client.get(path(link)).status_code == 410


def test_a_stranger_learns_nothing(client: Client, issue: Issue, nadia: Subscriber) -> None:
    """The same page for every address; nobody is subscribed, and only Nadia gets a mail."""
    subscribed, unknown = (
        request_link(client, issue),
        request_link(client, issue, "nobody@reader.example"),
    )
    assert subscribed.replace(NADIA, "") == unknown.replace("nobody@reader.example", "")
    assert SignUp.objects.count() == 2
    signups.settle_due()
    assert [row.email for row in Notice.objects.all()] == [NADIA]
    assert Subscriber.objects.get() == nadia
    assert not ConsentEvent.objects.exists()
    assert "Enter a valid email address" in request_link(client, issue, "nobody")
    assert "submit the form again" in request_link(client, issue, token="x")


def test_links_that_are_old_or_damaged_open_nothing(
    client: Client, nadia: Subscriber, tide: Newsletter
) -> None:
    """They say what to do instead; one without an issue opens the list."""
    old = links.sign_rows_until("read", clock.now() - timedelta(seconds=1), nadia, tide)
    assert client.get(f"/read/{old}").status_code == 410
    assert client.get("/read/damaged").status_code == 404
    assert not client.cookies
    new = links.sign_rows_until("read", clock.now() + timedelta(days=1), nadia, tide)
    assert client.get(f"/read/{new}?issue=//evil.example").url == f"/archive/{tide.slug}"  # type: ignore[attr-defined]


def test_cookies_that_are_forged_or_anothers_open_nothing(
    client: Client, issue: Issue, nadia: Subscriber
) -> None:
    """A cookie is of one newsletter, and of one way in."""
    name = f"digest-archive-{issue.newsletter_id}"
    other = make_newsletter()
    make_subscriber(other, email="ines@reader.example")
    until = clock.now() + timedelta(days=1)
    foreign = links.sign_rows_until("archive-subscriber", until, nadia, other)
    for value in ("", "x", "archive-subscriber.x", f"archive-subscriber.{foreign}"):
        client.cookies[name] = value
        assert TEXT not in client.get(address_of(issue)).content.decode()


def test_members_read_what_is_for_members(
    client: Client, issue: Issue, nadia: Subscriber, tide: Newsletter
) -> None:
    """Whose tier ends cannot read any more."""
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(tide.publication, "Members", rules, NOON)
    restricting.set_members(tide, segment, "https://courier.example/join")
    page = client.get(address_of(issue)).content.decode()
    assert "This issue is for members" in page
    assert "https://courier.example/join" in page
    request_link(client, issue)
    invited = client.get(path(letter("read").links["confirm"]), follow=True).content.decode()
    assert "https://courier.example/join" in invited
    assert TEXT not in client.get(address_of(issue)).content.decode()
    Notice.objects.all().delete()
    profiles.add_tag("member", tide.publication_id, [nadia.pk])
    request_link(client, issue)
    client.get(path(letter("read").links["confirm"]))
    assert TEXT in client.get(address_of(issue)).content.decode()
    profiles.remove_tag("member", tide.publication_id, [nadia.pk])
    assert TEXT not in client.get(address_of(issue)).content.decode()


def test_a_password_opens_the_archive(client: Client, issue: Issue, tide: Newsletter) -> None:
    """Until it is changed."""
    restricting.set_archive(tide, "password", PASSWORD)
    page = client.get(address_of(issue)).content.decode()
    assert "protected by a password" in page
    assert TEXT not in page
    wrong = client.post(f"{address_of(issue)}/open", {"password": "high water"})
    assert wrong.status_code == 403
    assert f'href="{address_of(issue)}?lang=de"' in wrong.content.decode()
    assert "not the password" in wrong.content.decode()
    right = client.post(f"{address_of(issue)}/open", {"password": PASSWORD}, follow=True)
    assert TEXT in right.content.decode()
    restricting.set_archive(tide, "password")
    assert TEXT in client.get(address_of(issue)).content.decode()
    restricting.set_archive(tide, "password", "another password")
    assert TEXT not in client.get(address_of(issue)).content.decode()


def test_passwords_cannot_be_guessed(client: Client, issue: Issue, tide: Newsletter) -> None:
    """After ten attempts even the right one is refused for a while."""
    restricting.set_archive(tide, "password", PASSWORD)
    address = f"{address_of(issue)}/open"
    statuses = [client.post(address, {"password": "x"}).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    late = client.post(address, {"password": PASSWORD})
    assert late.status_code == 429
    assert int(late["Retry-After"]) > 60
    assert TEXT not in client.get(address_of(issue)).content.decode()


def test_who_shares_an_address_with_many_enters_the_password(
    client: Client, issue: Issue, tide: Newsletter
) -> None:
    """An office or a school: only what is wrong counts."""
    restricting.set_archive(tide, "password", PASSWORD)
    form, address = {"password": PASSWORD}, f"{address_of(issue)}/open"
    assert {Client().post(address, form).status_code for _ in range(12)} == {302}
    assert client.post(address, {"password": "x"}).status_code == 403
    assert client.post(address, form).status_code == 302


def test_two_ways_in_do_not_close_each_other(
    client: Client, issue: Issue, nadia: Subscriber, tide: Newsletter
) -> None:
    """One issue is for subscribers, the others have a password: a reader has both."""
    restricting.set_archive(tide, "password", PASSWORD)
    own = make_issue(tide, slot=NOON - timedelta(days=1), state="sent", planned_at=NOON)
    make_story(own, summary="Only subscribers.")
    public_archive.set_access(own, "subscribers")
    client.post(f"{address_of(issue)}/open", {"password": PASSWORD})
    link = links.sign_rows_until("read", clock.now() + timedelta(days=1), nadia, tide)
    client.get(f"/read/{link}")
    assert "Only subscribers." in client.get(address_of(own)).content.decode()
    assert TEXT in client.get(address_of(issue)).content.decode()


def test_one_issue_may_differ_from_its_newsletter(
    client: Client, issue: Issue, tide: Newsletter
) -> None:
    """A password needs one that the newsletter has."""
    restricting.set_archive(tide, "public")
    assert TEXT in client.get(address_of(issue)).content.decode()
    with pytest.raises(IssueError, match="no password"):
        public_archive.set_access(issue, "password")
    with pytest.raises(IssueError, match="not one of"):
        public_archive.set_access(issue, "friends")
    public_archive.set_access(issue, "subscribers")
    assert TEXT not in client.get(address_of(issue)).content.decode()
    public_archive.set_access(issue, "")
    assert TEXT in client.get(address_of(issue)).content.decode()


def test_issues_from_elsewhere_are_protected_too(client: Client, tide: Newsletter) -> None:
    """By what holds for the newsletter."""
    past = PastIssue.objects.create(
        newsletter=tide, service="ghost", origin="1", slot=NOON, subject="Older", html=TEXT
    )
    address = f"/archive/{tide.slug}/{past.key}"
    page = client.get(address).content.decode()
    assert "Older" in page
    assert TEXT not in page
    assert past.key not in client.get("/sitemap.xml").content.decode()
    restricting.set_archive(tide, "public")
    assert TEXT in client.get(address).content.decode()
    assert client.post(f"{address}/open").status_code == 302
    assert client.post(f"/archive/{tide.slug}/20200101T000000Z/open").status_code == 404
