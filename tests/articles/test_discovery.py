"""From what a person types to a source."""

import pytest

from digest.articles import discovery
from digest.articles.errors import DiscoveryError
from digest.articles.models import Source
from digest.core.http import FetchError, RefusedError
from tests.articles.publisher import DATA, Answer, Publisher
from tests.cast import NOON, make_source

RSS = (DATA / "rss.xml").read_bytes()
ARTICLE = (DATA / "page.html").read_bytes()


def front_page(*links: str) -> bytes:
    """A site's front page that names feeds."""
    head = f"<title>Courier</title>{''.join(links)}"
    return f"<!doctype html><html><head>{head}</head><body><p>Hi</p></body></html>".encode()


def link(href: str, kind: str = "application/rss+xml", title: str = "") -> str:
    """A feed named in a page's head."""
    return f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml", "rdf.xml", "feed.jsonfeed"])
def test_a_feeds_own_address_is_itself(publisher: Publisher, name: str) -> None:
    """Whatever type the server claims it to be."""
    publisher.pages["/x"] = Answer(
        (DATA / name).read_bytes(), headers={"Content-Type": "text/html"}
    )
    candidate = discovery.find(publisher.url("/x"))
    assert (candidate.url, candidate.kind) == (publisher.url("/x"), "feed")
    assert candidate.title


@pytest.mark.parametrize(
    "kind", ["application/rss+xml", "application/atom+xml", "application/feed+json; charset=utf-8"]
)
def test_a_site_names_its_feed(publisher: Publisher, kind: str) -> None:
    """In its head; relative to it."""
    publisher.pages["/"] = front_page(link("feeds/all", kind))
    publisher.pages["/feeds/all"] = RSS
    candidate = discovery.find(publisher.url("/"))
    assert (candidate.url, candidate.title) == (
        publisher.url("/feeds/all"),
        "The Saltmarsh Courier",
    )


def test_a_feed_of_comments_is_the_last_choice(publisher: Publisher) -> None:
    """Blogging software names it beside the real one."""
    publisher.pages["/"] = front_page(link("/comments/feed", title="Comments"), link("/all"))
    publisher.pages |= {"/comments/feed": RSS, "/all": RSS}
    assert discovery.find(publisher.url("/")).url == publisher.url("/all")


def test_a_named_feed_that_is_dead_is_passed_over(publisher: Publisher) -> None:
    """The next one named may live."""
    publisher.pages["/"] = front_page(link("/dead"), link("/html"), link("/all"))
    publisher.pages |= {"/html": b"<html><p>no", "/all": RSS}
    assert discovery.find(publisher.url("/")).url == publisher.url("/all")


def test_usual_places_are_tried(publisher: Publisher) -> None:
    """A site that names no feed often has one all the same."""
    publisher.pages |= {"/": front_page(), "/rss.xml": RSS}
    assert discovery.find(publisher.url("/")).url == publisher.url("/rss.xml")


def test_an_articles_address_is_the_article(publisher: Publisher) -> None:
    """Though its page names the site's feed, the article is what was asked for."""
    publisher.pages |= {"/2026/seals": ARTICLE, "/feed": RSS}
    candidate = discovery.find(publisher.url("/2026/seals"))
    assert (candidate.kind, candidate.url) == ("page", publisher.url("/2026/seals"))
    assert candidate.title == "Seals return to the sandbank"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (front_page(), "No feed was found at .*RSS"),
        (b"", "neither a feed nor a web page"),
        (b"%PDF-1.7", "neither a feed nor a web page"),
        (b'{"error": 1}', "not a JSON Feed"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(
    publisher: Publisher, body: bytes, message: str
) -> None:
    """The error says what was there and what to do."""
    publisher.pages["/"] = body
    with pytest.raises(DiscoveryError, match=message):
        discovery.find(publisher.url("/"))


def test_an_address_that_does_not_answer_is_told(publisher: Publisher) -> None:
    """A missing page, and a private address, keep their own words."""
    with pytest.raises(FetchError, match="404"):
        discovery.find(publisher.url("/missing"))
    with pytest.raises(RefusedError):
        discovery.find("http://192.168.0.1/")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("courier.example/feed", "https://courier.example/feed"),
        (" https://courier.example/feed\n", "https://courier.example/feed"),
        ("feed://courier.example/feed", "http://courier.example/feed"),
        ("feed:https://courier.example/feed", "https://courier.example/feed"),
    ],
)
def test_addresses_are_taken_as_people_type_them(text: str, meant: str) -> None:
    """Without a scheme, with blanks, or as feed readers copy them."""
    assert discovery.with_scheme(text) == meant


@pytest.mark.django_db
def test_a_source_is_added_once(publisher: Publisher) -> None:
    """By the site's address or the feed's own, it is one source."""
    publisher.pages |= {"/": front_page(link("/feed")), "/feed": RSS}
    source = discovery.add_and_poll(1, publisher.url("/"), NOON).source
    assert (source.url, source.kind) == (publisher.url("/feed"), Source.Kind.FEED)
    assert (source.title, source.polled_at) == ("The Saltmarsh Courier", NOON)
    assert discovery.add_and_poll(1, publisher.url("/feed"), NOON).source == source
    assert discovery.add_and_poll(1, publisher.url("/"), NOON).source == source
    assert Source.objects.count() == 1


@pytest.mark.django_db
def test_a_known_source_is_added_again_while_its_server_is_down(publisher: Publisher) -> None:
    """Adding again is not an error; what is wrong stands on the source."""
    source = make_source(publication_id=1, url=publisher.url("/missing"))
    polled = discovery.add_and_poll(1, source.url, NOON)
    assert polled.source == source
    assert "404" in polled.problem


@pytest.mark.django_db
def test_a_feed_that_moved_for_good_is_added_where_it_is(publisher: Publisher) -> None:
    """The old address would only be redirected for ever."""
    publisher.redirect("/old", "/feed")
    publisher.pages["/feed"] = RSS
    source = discovery.add_and_poll(1, publisher.url("/old"), NOON).source
    assert source.url == publisher.url("/feed")


@pytest.mark.django_db
def test_a_new_source_is_fetched_once(publisher: Publisher) -> None:
    """What finds it is also what is polled; a source that is there already is asked again."""
    publisher.pages["/feed"] = RSS
    polled = discovery.add_and_poll(1, publisher.url("/feed"), NOON)
    assert (polled.new, polled.problem) == (len(polled.source.articles.all()), "")
    assert polled.new > 0
    assert [request.path for request in publisher.seen] == ["/feed"]
    assert discovery.add_and_poll(1, publisher.url("/feed"), NOON).new == 0
    assert len(publisher.seen) == 2
