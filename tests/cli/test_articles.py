"""`digest source …`, `digest article …` and `digest preview`."""

from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.articles.models import Article, Source
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.articles.publisher import Publisher, publishing
from tests.cast import NOON, make_article, make_newsletter, make_source
from tests.cli.conftest import Digest
from tests.provider_server import Answer, ProviderServer

pytestmark = pytest.mark.django_db

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>The Courier</title>
<link>https://courier.example/</link>
<item><title>Seals return to the sandbank</title><guid>1</guid>
<link>https://courier.example/seals</link><description>Forty of them.</description></item>
<item><title>Dredging vote</title><guid>2</guid>
<link>https://courier.example/vote</link><description>Eight to seven.</description></item>
</channel></rss>"""


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    """A site on this machine, with a feed."""
    with publishing(settings) as running:
        running.pages["/feed.xml"] = FEED
        yield running


def test_add_finds_polls_and_shows_what_came_in(
    digest: Digest, publisher: Publisher, tide: Newsletter
) -> None:
    """A second time it is the same source."""
    for new in (2, 0):
        result = digest("source", "add", publisher.url("/feed.xml"), "--newsletter", "tide")
        assert result.status == 0
        assert f"{new} new articles" in result.out
        assert "  Dredging vote\n" in result.out
        assert result.err == ""
    assert tide.sources.get().url == publisher.url("/feed.xml")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "address"),
        ("ftp://courier.example/feed", "http"),
        ("http://10.0.0.1/feed", "10.0.0.1"),
        ("http://[bad/feed", "[bad"),
    ],
)
def test_a_bad_address_is_explained_and_stored_nowhere(
    digest: Digest, tide: Newsletter, url: str, reason: str
) -> None:
    """No source, no traceback."""
    result = digest("source", "add", url, "--newsletter", "tide")
    assert (result.status, result.out) == (1, "")
    assert reason in result.err
    assert not Source.objects.exists()


def test_a_page_without_feed_and_a_dead_server_are_explained(
    digest: Digest, publisher: Publisher, tide: Newsletter
) -> None:
    """Nothing is stored."""
    publisher.pages.clear()
    publisher.pages["/"] = b"<html><body>Nothing here.</body></html>"
    for url in (publisher.url("/"), publisher.url("/none"), "http://127.0.0.1:1/"):
        result = digest("source", "add", url, "--newsletter", "tide", "--json")
        assert result.status == 1
        assert result.json["error"]
    assert not Source.objects.exists()


def test_an_unknown_newsletter_stops_before_anything_is_fetched(
    digest: Digest, publisher: Publisher
) -> None:
    """The publisher is not bothered."""
    result = digest("source", "add", publisher.url("/feed.xml"), "--newsletter", "x")
    assert result.status == 1
    assert publisher.seen == []


def test_list_and_poll_say_how_sources_are_doing(
    digest: Digest, publisher: Publisher, tide: Newsletter
) -> None:
    """Polling one that fails exits with 1; polling those that are due tells about each."""
    assert "digest source add" in digest("source", "list").out
    url = publisher.url("/feed.xml")
    make_source(tide, url=url, next_poll_at=clock.now())
    result = digest("source", "poll", "--json")
    assert [(row["url"], row["new"]) for row in result.json] == [(url, 2)]
    assert "No source is due" in digest("source", "poll").out
    publisher.pages.clear()
    result = digest("source", "poll", url)
    assert result.status == 1
    assert "404" in result.out
    values = digest("source", "list", "--json").json
    assert (values[0]["state"], values[0]["failures"]) == ("failing", 1)
    assert "UTC" in digest("source", "list").out
    result = digest("source", "poll", "https://elsewhere.example/feed")
    assert (result.status, result.out) == (1, "")


def test_a_source_is_switched_on(digest: Digest, tide: Newsletter) -> None:
    """One that exceeded the parser's limits; twice is too often."""
    source = make_source(tide, switched_off_at=NOON)
    assert digest("source", "list", "--json").json[0]["state"] == "switched off"
    assert "is switched on" in digest("source", "switch-on", source.url).out
    assert digest("source", "list", "--json").json[0]["state"] == "new"
    assert digest("source", "switch-on", source.url).status == 1


def test_articles_are_listed_and_marked(digest: Digest, tide: Newsletter) -> None:
    """Of all sources, or of one newsletter's."""
    assert "digest source add" in digest("article", "list").out
    seals = make_article(make_source(tide), title="Seals")
    make_article(make_source(), title="Gulls")
    assert {row["title"] for row in digest("article", "list", "--json").json} == {
        "Seals",
        "Gulls",
    }
    result = digest("article", "list", "--newsletter", "tide")
    assert "Seals" in result.out
    assert "Gulls" not in result.out
    assert digest("article", "mark-updated", seals.url).status == 0
    assert Article.objects.get(title="Seals").marked_updated_at
    assert digest("article", "mark-updated", "https://x.example/").status == 1


def test_preview_shows_picks_and_writes_files_and_stores_nothing(
    digest: Digest, tide: Newsletter, tmp_path: Path
) -> None:
    """Subject, size, reasons; a web version and a mail."""
    now = clock.now()
    source = make_source(tide)
    make_article(source, title="Seals return", published_at=now, first_seen_at=now)
    make_article(source, title="Old news", published_at=now.replace(year=2020))
    html, eml = tmp_path / "issue.html", tmp_path / "issue.eml"
    result = digest("preview", "tide", "--html", html, "--eml", eml)
    assert result.status == 0, result.err
    assert "Subject  Seals return" in result.out
    assert "Seals return" in html.read_text()
    mail = message_from_bytes(eml.read_bytes())
    assert mail["Subject"] == "Seals return"
    values = digest("preview", "tide", "--json").json
    assert [story["title"] for story in values["stories"]] == ["Seals return"]
    assert [left["title"] for left in values["left_out"]] in ([], ["Old news"])
    assert not Issue.objects.exists()


def test_preview_of_too_little_says_why_it_would_be_skipped(
    digest: Digest, tide: Newsletter, tmp_path: Path
) -> None:
    """No file is written, and that is not an error."""
    html = tmp_path / "issue.html"
    result = digest("preview", "tide", "--html", html)
    assert result.status == 0
    assert "Nothing would be sent now. No new stories" in result.out
    assert not html.exists()
    assert digest("preview", "tide", "--json").json["skipped"]


def test_preview_says_where_it_cannot_write(digest: Digest, tide: Newsletter) -> None:
    """In a line."""
    now = clock.now()
    make_article(make_source(tide), published_at=now, first_seen_at=now)
    result = digest("preview", "tide", "--eml", "/nowhere/issue.eml")
    assert (result.status, result.out) == (1, "")
    assert "/nowhere/issue.eml cannot be written" in result.err
    assert digest("preview", "none").status == 1


def test_publications_with_the_same_feed_are_told_apart(
    digest: Digest, publisher: Publisher, tide: Newsletter
) -> None:
    """Each gets its own source and articles; where a link is both's, the publication is named."""
    ebb = make_newsletter(slug="ebb")
    for newsletter in ("tide", "ebb"):
        added = digest("source", "add", publisher.url("/feed.xml"), "--newsletter", newsletter)
        assert "2 new articles" in added.out
    assert Source.objects.count() == 2
    assert digest("source", "poll", publisher.url("/feed.xml")).out.count("feed.xml") == 2
    url = "https://courier.example/seals/"
    result = digest("article", "mark-updated", url)
    assert result.status == 1
    slugs = sorted([tide.publication.slug, ebb.publication.slug])
    assert f"--publication: {', '.join(slugs)}." in result.err
    digest("article", "mark-updated", url, "--publication", ebb.publication.slug)
    marked = Article.objects.get(marked_updated_at__isnull=False)
    assert marked.publication_id == ebb.publication_id
    picked = digest("newsletter", "pick", "tide", url)
    assert picked.status == 0
    article = tide.layout.get(kind="picked").picks.get().article
    assert article.publication_id == tide.publication_id


def test_site_analytics_are_connected_and_fetched(
    digest: Digest, settings: Settings, tmp_path: Path
) -> None:
    """From a feed, with its token in a file; the list shows what was matched, and no token."""
    publication = make_newsletter().publication
    make_article(url="https://courier.example/seals", canonical_url="https://courier.example/seals")
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    (tmp_path / "token").write_text("very-secret\n")
    pages = b'{"/seals": 9, "/about": 5}'
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, pages)) as server:
        options = ("--address", server.url, "--secret-file", tmp_path / "token")
        connected = digest("analytics", "connect", publication.slug, "feed", *options)
        assert connected.status == 0
        assert "very-secret" not in connected.out
        values = digest("analytics", "fetch", publication.slug, "--json").json
        assert (values["pages"], values["matched"]) == (2, 1)
        assert values["unknown"] == ["https://courier.example/about"]
        assert server.requests[0].headers["Authorization"] == "Bearer very-secret"
    assert "1 of 2" in digest("analytics", "list").out
    assert digest("analytics", "disconnect", publication.slug).status == 0
    refused = digest("analytics", "fetch", publication.slug)
    assert (refused.status, "digest analytics connect" in refused.err) == (1, True)
