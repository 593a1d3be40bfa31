"""Links and the spam score: other servers are asked, and the answers stored."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.newsletters.models import Publication
from digest.sending import preflight
from digest.sending.compiling import compiled_for
from digest.sending.preflight import Level
from tests.cast import NOON, make_article, make_story
from tests.provider_server import Answer, ProviderServer, Request
from tests.sending.preflight.conftest import Findings

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(settings: Settings) -> Iterator[ProviderServer]:
    """A site of which only what has /gone in its address is gone; it is an rspamd, too."""

    def script(request: Request) -> Answer:
        if request.path.startswith("/checkv2"):
            symbols = {"BAD": {"name": "BAD", "score": 9.0}, "FINE": {"name": "FINE", "score": -1}}
            return Answer.of({"score": 12.0, "required_score": 15.0, "symbols": symbols})
        return Answer(404 if "/gone" in request.path else 200, b"")

    with ProviderServer(script, pages=script) as server:
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        yield server


def test_links_and_pictures_are_requested(
    issue: Issue, findings: Findings, web: ProviderServer
) -> None:
    """Each address; what is not public is not requested; one line for all that fail."""
    base = web.url.rstrip("/")
    Publication.objects.update(logo_url=f"{base}/gone-logo.png")
    issue.stories.update(url=f"{base}/story", image_url=f"{base}/gone.jpg", image_alt="Seals")
    first = issue.stories.get()
    inside = make_story(issue, article=make_article(), url="http://127.0.0.1:1/admin")
    (row,) = findings("links", network=True)
    assert row.problem == "3 links or pictures do not work."
    details = {place.anchor: place.detail for place in row.places}
    assert details.keys() == {f"story-{first.pk}", f"story-{inside.pk}", ""}
    assert details[f"story-{first.pk}"].startswith("picture: ")
    assert "404" in details[f"story-{first.pk}"]
    assert details[f"story-{inside.pk}"].startswith("link: ")
    paths = sorted(request.path for request in web.requests)
    assert paths == ["/gone-logo.png"] * 2 + ["/gone.jpg", "/story"]  # the logo is looked at, too


def logo(colour: str) -> bytes:
    """A line in a colour, on nothing."""
    image = Image.new("RGBA", (480, 120), (0, 0, 0, 0))
    image.paste(Image.new("RGBA", (400, 40), colour), (40, 40))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("colour", "modes"), [("#14171a", ["dark mode"]), ("#8a8f94", [])])
def test_a_logo_that_cannot_be_seen_in_dark_mode_is_named(
    issue: Issue, findings: Findings, settings: Settings, colour: str, modes: list[str]
) -> None:
    """Almost black on transparent; grey can be seen on both."""

    def script(_request: Request) -> Answer:
        return Answer(200, logo(colour))

    with ProviderServer(script, pages=script) as server:
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        issue.stories.update(url=server.url)
        Publication.objects.update(logo_url=server.url + "logo.png")
        rows = findings("logos", network=True)
    assert [mode for row in rows for mode in modes if mode in row.problem] == modes
    assert len(rows) == len(modes)


def test_the_logo_for_dark_mode_is_looked_at(
    issue: Issue, findings: Findings, settings: Settings
) -> None:
    """Black by day and white by night can both be seen; the mail has both."""

    def script(request: Request) -> Answer:
        return Answer(200, logo("#ffffff" if "dark" in request.path else "#14171a"))

    with ProviderServer(script, pages=script) as server:
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        issue.stories.update(url=server.url)
        urls = {"logo_url": f"{server.url}logo.png", "logo_dark_url": f"{server.url}dark.png"}
        Publication.objects.update(**urls)
        assert findings("logos", network=True) == []
    issue = Issue.objects.get(pk=issue.pk)
    html = compiled_for(issue).html()
    night = html.index('class="night-only"')
    assert html.index(urls["logo_url"]) < night < html.index(urls["logo_dark_url"])
    assert "<!--[if !mso]><!-->" in html[:night]


def test_links_that_work_are_counted(issue: Issue, web: ProviderServer) -> None:
    """Each once."""
    issue.stories.update(url=web.url, image_url=web.url + "a.png", image_alt="A boat")
    results = preflight.examine(issue, NOON)
    assert {row.check: row.summary for row in results.passed}["links"] == "2 checked"


def test_rspamd_is_asked_where_there_is_one(
    issue: Issue, findings: Findings, web: ProviderServer, settings: Settings
) -> None:
    """Its score and what raised it; one that is away is said, and stops nothing."""
    issue.stories.update(url=f"{web.url.rstrip('/')}/story")
    settings.DIGEST_RSPAMD_URL = web.url
    (row,) = findings(network=True)
    assert (row.level, "scores it 12.0" in row.problem) == (Level.WARN, True)
    assert "Highest: BAD" in row.problem
    request = next(request for request in web.requests if request.path == "/checkv2")
    assert b"List-Unsubscribe:" in request.body
    assert request.headers["User"] == issue.newsletter.publication.sender_email
    settings.DIGEST_RSPAMD_URL = "http://127.0.0.1:1"
    (row,) = findings(network=True)
    assert (row.level, "no verdict" in row.problem) == (Level.WARN, True)


def test_what_the_slow_checks_said_is_stored_until_the_issue_changes(
    issue: Issue, web: ProviderServer
) -> None:
    """A page that opens again asks nobody; of another revision, nothing is said."""
    issue.stories.update(url=web.url + "gone")
    assert preflight.examine_quickly(issue, NOON)[1] is None
    checked = preflight.examine(issue, NOON)
    requests = len(web.requests)
    results, checked_at = preflight.examine_quickly(issue, NOON + timedelta(minutes=5))
    assert (results.findings, checked_at) == (checked.findings, NOON)
    assert len(web.requests) == requests
    Issue.objects.update(revision=issue.revision + 1)
    results, checked_at = preflight.examine_quickly(Issue.objects.get(), NOON)
    assert (results.findings, checked_at) == ([], None)
