"""The connection of a publication to its site's analytics: stored, collected, retried."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django.fixtures import Settings

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.models import SiteConnection
from digest.analytics.site import collecting, connections
from digest.analytics.site.kinds import KINDS
from digest.articles.models import Article
from digest.core.reading_time import WORDS_A_MINUTE
from digest.newsletters.models import Publication
from tests.cast import NOON, make_article, make_publication
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LONG = "<p>" + "word " * WORDS_A_MINUTE + "</p>"  # a minute


@pytest.fixture
def feed(settings: Settings) -> Iterator[ProviderServer]:
    """A feed of three pages, two of them articles."""
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    body = b"url,views,seconds\n/seals,40,54\n/ferry,10,\n/about,90,5\n"
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, body)) as server:
        yield server


@pytest.fixture
def publication() -> Publication:
    """The Courier, with two articles."""
    publication = make_publication()
    for slug in ("seals", "ferry"):
        make_article(
            url=f"https://courier.example/{slug}",
            canonical_url=f"https://courier.example/{slug}",
            body_html=LONG,
        )
    return publication


def connected(publication: Publication, server: ProviderServer) -> SiteConnection:
    """A connection to the feed."""
    return connections.connect(publication, "feed", {"address": f"{server.url}views.csv"}, NOON)


def test_page_views_become_popularity(publication: Publication, feed: ProviderServer) -> None:
    """At once; and reading times what is deeply read. Pages that are not articles are named."""
    outcome = collecting.collect(connected(publication, feed), NOON)
    assert (outcome.pages, outcome.matched, outcome.timed) == (3, 2, 2)
    assert outcome.unknown == ("https://courier.example/about",)
    seals, ferry = Article.objects.order_by("-views")
    assert (seals.views, seals.score) == (40, 1)
    assert seals.read_depth == pytest.approx(0.9)
    assert (ferry.views, ferry.score, ferry.read_depth) == (10, 0.25, None)


def test_a_connection_is_collected_every_hour(
    publication: Publication, feed: ProviderServer
) -> None:
    """By one worker; after a failure later, and longer each time."""
    row = connected(publication, feed)
    assert [collecting.collect_due(NOON + HOUR * n / 2) for n in range(3)] == [1, 0, 1]
    feed.stop()
    for failures, hours in ((1, 1), (2, 2), (3, 4)):
        row.refresh_from_db()
        collecting.collect_due(row.due_at)
        due_before = row.due_at
        row.refresh_from_db()
        assert (row.failures, row.due_at - due_before) == (failures, hours * HOUR)
    assert "Check the address" in row.problem


def test_yesterday_and_today_are_asked_for(publication: Publication, settings: Settings) -> None:
    """From the midnight that yesterday began with where the publication is, until now."""
    publication.timezone = "Pacific/Auckland"  # 13 hours ahead, so it is one o'clock there
    publication.save()
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer.of([])) as server:
        values = {"address": server.url, "site": "1", "secret": "x"}
        collecting.fetch(connections.connect(publication, "umami", values, NOON), NOON)
    question = parse_qs(urlsplit(server.requests[-1].path).query)
    start, end = (int(question[name][0]) / 1000 for name in ("startAt", "endAt"))
    assert end == NOON.timestamp()
    assert timedelta(seconds=end - start) == timedelta(hours=25)


def test_the_secret_is_sealed_and_kept(publication: Publication) -> None:
    """It is in no column as it is; a change of the site alone does not ask for it again."""
    values = {"site": "a.example", "secret": "very secret"}
    row = connections.connect(publication, "plausible", values, NOON)
    assert "very secret" not in str(SiteConnection.objects.values().get())
    row = connections.connect(publication, "plausible", {"site": "b.example"}, NOON)
    account = connections.account_of(row)
    assert (account.site, account.secret) == ("b.example", "very secret")
    assert account.address == "https://plausible.io"
    assert "very secret" not in repr(account)


@pytest.mark.parametrize(
    ("kind", "address"),
    [("plausible", "https://other.example"), ("matomo", "https://plausible.io")],
)
def test_a_secret_does_not_move_to_another_address(
    publication: Publication, kind: str, address: str
) -> None:
    """Whoever may change the address could read it there."""
    values = {"site": "a.example", "secret": "very secret"}
    connections.connect(publication, "plausible", values, NOON)
    moved = {"site": "a.example", "address": address}
    with pytest.raises(SiteAnalyticsError, match="is missing"):
        connections.connect(publication, kind, moved, NOON)
    assert SiteConnection.objects.get().address == "https://plausible.io"


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("piwik", {}, "Choose one of plausible"),
        ("plausible", {"secret": "x"}, "Site is missing"),
        ("matomo", {"site": "1", "secret": "x"}, "web address"),
        ("feed", {"address": "ftp://courier.example/x"}, "web address"),
        ("ga4", {"site": "1"}, "Key file is missing"),
    ],
)
def test_what_is_missing_is_named(
    publication: Publication, kind: str, values: dict[str, str], message: str
) -> None:
    """Nothing is stored then."""
    with pytest.raises(SiteAnalyticsError, match=message):
        connections.connect(publication, kind, values, NOON)
    assert not SiteConnection.objects.exists()


def test_a_server_says_how_long_to_wait(publication: Publication, settings: Settings) -> None:
    """But not longer than a day; the page says so and when the next attempt is."""
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    waits = iter(["10", "7200", "9999999"])

    def refuse(_: Request) -> Answer:
        return Answer(429, b"", {"Retry-After": next(waits)})

    with ProviderServer(refuse, pages=refuse) as server:
        for hours in (1, 2, 24):
            row = connected(publication, server)
            collecting.collect_due(NOON)
            row.refresh_from_db()
            assert "429" in row.problem
            assert row.due_at - NOON == hours * HOUR


def test_days_are_those_of_the_publications_zone(
    publication: Publication, settings: Settings
) -> None:
    """At noon in London it is tomorrow in Auckland already."""
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    Publication.objects.update(timezone="Pacific/Auckland")
    publication.refresh_from_db()
    with ProviderServer(lambda _: Answer.of({"results": []})) as server:
        values = {"address": server.url, "site": "courier.example", "secret": "key"}
        outcome = collecting.collect(
            connections.connect(publication, "plausible", values, NOON), NOON
        )
        assert server.requests[0].json["date_range"] == ["2026-11-23", "2026-11-24"]
    assert (outcome.pages, outcome.matched) == (0, 0)


def test_an_answer_costs_other_connections_nothing(
    publication: Publication, feed: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when it breaks us."""
    connected(publication, feed)
    values = {"address": f"{feed.url}views.csv", "site": "1", "secret": "x"}
    other = connections.connect(make_publication(), "umami", values, NOON - HOUR)
    monkeypatch.delitem(KINDS, "umami")  # as of a later version of Digest
    assert collecting.collect_due(NOON) == 2
    assert SiteConnection.objects.get(publication=publication).matched == 2
    other.refresh_from_db()
    assert other.due_at == NOON + collecting.LEASE
