"""What an editor is told before an issue goes out."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.sending import preflight
from digest.sending.preflight import Finding, Level
from tests.cast import (
    NOON,
    make_appeal,
    make_article,
    make_issue,
    make_newsletter,
    make_story,
    make_subscriber,
)
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue(settings: Settings) -> Issue:
    """An issue with nothing to mend: one story, a subscriber, a relay, a preheader."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    issue = make_issue(make_newsletter(preheader="What the tide brought"))
    make_story(issue, article=make_article())
    make_subscriber(issue.newsletter)
    return issue


@pytest.fixture
def web(settings: Settings) -> Iterator[ProviderServer]:
    """A site of which only what has /gone in its address is gone."""

    def script(request: Request) -> Answer:
        if request.path.startswith("/checkv2"):
            symbols = {"BAD": {"name": "BAD", "score": 9.0}, "FINE": {"name": "FINE", "score": -1}}
            return Answer.of({"score": 12.0, "required_score": 15.0, "symbols": symbols})
        return Answer(404 if "/gone" in request.path else 200, b"")

    with ProviderServer(script, pages=script) as server:
        settings.DIGEST_FETCH_ALLOW = [server.url.removeprefix("http://").rstrip("/")]
        yield server


def examine(issue: Issue, *, network: bool = False) -> list[Finding]:
    """What is found now."""
    return preflight.examine(issue, NOON, network=network)


def test_a_sound_issue_has_nothing_to_mend(issue: Issue) -> None:
    """An empty list, not a row of ticks."""
    assert examine(issue) == []


def test_stories_are_looked_at_one_by_one(issue: Issue) -> None:
    """Each finding leads to its story."""
    early = make_story(issue, article=make_article(available_at=NOON + timedelta(hours=1)))
    blind = make_story(issue, article=make_article(), image_url="https://courier.example/a.jpg")
    orphan = make_story(issue)
    twin = make_story(issue, article=make_article(), url=blind.url)
    places = {(finding.place, finding.level) for finding in examine(issue)}
    assert places == {
        (f"story:{early.pk}", Level.STOP),
        (f"story:{blind.pk}", Level.WARN),
        (f"story:{orphan.pk}", Level.WARN),
        (f"story:{twin.pk}", Level.WARN),
    }
    assert examine(issue)[0].level == Level.STOP


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("https://courier.example/a.webp", 1),
        ("https://courier.example/a.AVIF?w=600", 1),
        ("https://img.example/a?fm=webp&w=600", 1),
        ("https://img.example/upload/f_avif,w_600/a", 1),
        ("https://courier.example/a.svg", 1),
        ("https://courier.example/a.webp.jpg", 0),
        ("https://courier.example/webp/a.jpg?from=avif", 0),
        ("https://img.example/a?auto=format", 0),
    ],
)
def test_pictures_that_outlook_does_not_show_are_named(
    issue: Issue, url: str, is_named: int
) -> None:
    """In plain words, with the stories they belong to."""
    for number in range(2):
        make_story(
            issue,
            article=make_article(),
            title=f"Seals {number}",
            image_url=url,
            image_alt="Seals on a quay",
        )
    problems = [finding.problem for finding in examine(issue) if "cannot show" in finding.problem]
    assert len(problems) == is_named
    assert not is_named or "Outlook" in problems[0]
    assert not is_named or problems[0].endswith("as those of “Seals 0”, “Seals 1”.")


@pytest.mark.parametrize("alt", ["", "IMG_1234.JPG", "photo", "Seals are back"])
def test_a_picture_that_nothing_describes_is_named(issue: Issue, alt: str) -> None:
    """A file's name, the word “photo” and the headline are not descriptions; a caption is one."""
    story = make_story(
        issue,
        article=make_article(),
        title="Seals are back",
        image_url="https://courier.example/a.jpg",
        image_alt=alt,
    )
    assert [finding.place for finding in examine(issue)] == [f"story:{story.pk}"]
    story.image_caption = "Grey seals on the sandbank"
    story.save()
    assert examine(issue) == []


def test_the_head_of_the_mail_is_looked_at(issue: Issue) -> None:
    """A long subject, and no preheader."""
    Newsletter.objects.update(subject="Tide " * 20, preheader="")
    issue = Issue.objects.get()
    assert {finding.place for finding in examine(issue)} == {"subject", "preheader"}


def test_what_must_not_go_out_is_stopped(issue: Issue, settings: Settings) -> None:
    """No story, no postal address, no relay, no subscribers, a template that breaks."""
    Publication.objects.update(postal_address=" ")
    settings.DIGEST_SMTP_URL = ""
    issue.newsletter.subscriptions.all().delete()
    issue = Issue.objects.get()
    text = " ".join(f"{finding.level} {finding.problem}" for finding in examine(issue))
    assert "stop The publication has no postal address" in text
    assert "stop Nothing can be sent from courier.example" in text
    assert "warn No subscriber would receive it" in text
    Newsletter.objects.update(subject="{{ 1 / 0 }}")
    issue.compiled.delete()
    issue.refresh_from_db()
    Issue.objects.update(revision=2, subject="")
    assert "cannot be rendered" in str(examine(Issue.objects.get()))
    issue.stories.all().delete()
    assert "The issue has no stories." in str(examine(Issue.objects.get()))


def test_links_and_pictures_are_asked_for(issue: Issue, web: ProviderServer) -> None:
    """Each address once; what is not public is not asked for, and said so."""
    Publication.objects.update(logo_url=f"{web.url.rstrip('/')}/gone-logo.png")
    first = issue.stories.get()
    first.url = f"{web.url.rstrip('/')}/story"
    first.image_url, first.image_alt = f"{web.url.rstrip('/')}/gone.jpg", "Seals"
    first.save()
    inside = make_story(issue, article=make_article(), url="http://127.0.0.1:1/admin")
    problems = {
        finding.place: finding.problem for finding in examine(Issue.objects.get(), network=True)
    }
    assert "404" in problems[f"story:{first.pk}"]
    assert "its picture" in problems[f"story:{first.pk}"]
    assert "its link" in problems[f"story:{inside.pk}"]
    assert "The logo does not work" in problems["mail"]
    assert sorted(request.path for request in web.requests) == [
        "/gone-logo.png",
        "/gone.jpg",
        "/story",
    ]


def test_an_issue_that_links_everywhere_is_looked_through(
    issue: Issue, web: ProviderServer
) -> None:
    """Each story with a picture, a logo and an appeal: no address is missing."""
    publication = issue.newsletter.publication
    publication.logo_url = web.url + "gone.png"
    publication.save()
    issue.appeal = make_appeal(publication, url=web.url + "support")
    issue.stories.update(url=web.url, image_url=web.url + "a.png", image_alt="A boat")
    assert [finding.problem[:8] for finding in examine(issue, network=True)] == ["The logo"]


def test_rspamd_is_asked_where_there_is_one(
    issue: Issue, web: ProviderServer, settings: Settings
) -> None:
    """The points and what gives most of them; one that is away is said, and stops nothing."""
    issue.stories.update(url=f"{web.url.rstrip('/')}/story")
    settings.DIGEST_RSPAMD_URL = web.url
    (finding,) = examine(issue, network=True)
    assert (finding.level, "scores it 12.0" in finding.problem) == (Level.WARN, True)
    assert "Highest: BAD" in finding.problem
    request = next(request for request in web.requests if request.path == "/checkv2")
    assert b"List-Unsubscribe:" in request.body
    assert request.headers["User"] == issue.newsletter.publication.sender_email
    settings.DIGEST_RSPAMD_URL = "http://127.0.0.1:1"
    (finding,) = examine(issue, network=True)
    assert (finding.level, "no verdict" in finding.problem) == (Level.WARN, True)
