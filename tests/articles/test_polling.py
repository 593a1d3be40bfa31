"""Polling real HTTP servers on loopback, of every temper."""

import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import Any

import pytest
from django.db import connections, transaction

from digest.articles import polling
from digest.articles.models import Article, Source
from digest.articles.polling import LEASE, PollResult
from digest.core import http
from tests.articles.publisher import DATA, Answer, Publisher
from tests.cast import NOON, make_source

RSS = (DATA / "rss.xml").read_bytes()
HOUR = timedelta(hours=1)


def source_at(publisher: Publisher, path: str = "/feed", **fields: Any) -> Source:
    """A due source at a path of the publisher's."""
    return make_source(url=publisher.url(path), **fields)


@pytest.mark.django_db
def test_due_sources_are_polled_and_move_on(publisher: Publisher) -> None:
    """New articles are counted, the source learns its title, and is due again a while later."""
    publisher.pages["/feed"] = Answer(RSS, etag='"1"', headers={"Last-Modified": "then"})
    source = source_at(publisher)
    (polled,) = polling.poll_due(NOON)
    assert (polled.new, polled.changed, polled.unchanged, polled.problem) == (3, 0, 0, "")
    source.refresh_from_db()
    assert (source.title, source.site_url) == ("The Saltmarsh Courier", "https://courier.example/")
    assert (source.etag, source.last_modified) == ('"1"', "then")
    assert (source.polled_at, source.succeeded_at, source.failures) == (NOON, NOON, 0)
    assert source.lease_until is None
    assert NOON + 0.9 * HOUR <= source.next_poll_at <= NOON + 1.1 * HOUR  # its ttl
    assert polling.poll_due(NOON) == []


@pytest.mark.django_db
def test_what_is_held_already_is_not_fetched_again(publisher: Publisher) -> None:
    """The second poll is conditional, and a 304 is a success."""
    moved = b"<itunes:new-feed-url>https://new.example/f</itunes:new-feed-url><item>"
    publisher.pages["/feed"] = Answer(RSS.replace(b"<item>", moved, 1), etag='"1"')
    source = source_at(publisher)
    polling.poll(source, NOON)
    source.refresh_from_db()
    polled = polling.poll(source, NOON + HOUR)
    assert publisher.seen[1].headers["if-none-match"] == '"1"'
    assert polled.new == 0
    source.refresh_from_db()
    assert source.succeeded_at == NOON + HOUR
    assert source.next_poll_at >= NOON + 1.9 * HOUR  # its ttl
    assert "has moved to https://new.example/f" in source.problem


@pytest.mark.django_db
def test_a_source_with_an_odd_etag_is_polled_again(publisher: Publisher) -> None:
    """One that we could not send back is not stored."""
    publisher.pages["/feed"] = Answer(RSS, etag='"né"')
    source = source_at(publisher)
    assert polling.poll(source, NOON).problem == ""
    assert polling.poll(source, NOON + HOUR).problem == ""
    source.refresh_from_db()
    assert (source.etag, source.succeeded_at) == ("", NOON + HOUR)


@pytest.mark.django_db
def test_an_answer_that_could_not_be_read_is_fetched_again(publisher: Publisher) -> None:
    """Its ETag is not kept, or a 304 would call the rubbish good."""
    publisher.pages["/feed"] = Answer(b"<html><title>Maintenance</title>", etag='"1"')
    source = source_at(publisher)
    assert "Maintenance" in polling.poll(source, NOON).problem
    source.refresh_from_db()
    assert (source.etag, source.succeeded_at, source.failures) == ("", None, 1)


@pytest.mark.django_db
def test_late_articles_count_from_when_they_came(publisher: Publisher) -> None:
    """The first poll keeps the dates it finds, later ones don't let a late article slip by."""
    publisher.pages["/feed"] = RSS.replace(b"?utm_source=rss", b"").replace(b"Podcast", b"Old")
    source = source_at(publisher)
    polling.poll(source, NOON)
    assert Article.objects.get(title="Dredging vote splits the harbour").available_at < NOON - HOUR
    publisher.pages["/feed"] = (
        RSS.replace(b"dredging", b"dykes")
        .replace(b"1002", b"1003")
        .replace(b"Dredging vote", b"Dyke vote")
    )
    assert polling.poll(source, NOON + HOUR).new == 1
    assert Article.objects.get(title__startswith="Dyke").available_at == NOON + HOUR


@pytest.mark.django_db
def test_one_bad_source_never_hurts_another(publisher: Publisher, monkeypatch: Any) -> None:
    """Hanging, broken, huge, missing: each gets its own words, the good one its articles."""
    monkeypatch.setattr(http, "MAX_SECONDS", 1)

    def hang(_: BaseHTTPRequestHandler) -> None:
        publisher.closing.wait()

    publisher.pages |= {
        "/good": RSS,
        "/hang": hang,
        "/html": b"<!doctype html><title>Hello</title><p>Hi",
        "/empty": b"",
        "/500": Answer(status=500),
        "/cut": RSS[:400],
        "/large": b"x" * 6_000_000,
    }
    for path in (*publisher.pages, "/404"):
        source_at(publisher, path)
    make_source(url="http://192.168.1.1/feed")
    make_source(url="http://127.0.0.1:1/feed")
    start = time.monotonic()
    polled = polling.poll_due(NOON)
    assert time.monotonic() - start < 5
    problems = {
        p.source.url.rpartition("/")[2]: p.problem
        for p in polled
        if "127.0.0.1:1/" not in p.source.url and "192" not in p.source.url
    }
    assert problems.pop("good") == ""
    assert "did not answer within" in problems.pop("hang")
    assert "“Hello”" in problems.pop("html")
    assert "empty" in problems.pop("empty")
    assert "500 Internal Server Error" in problems.pop("500")
    assert "404 Not Found" in problems.pop("404")
    assert "breaks off" in problems.pop("cut")
    assert "larger than 5 MB" in problems.pop("large")
    assert problems == {}
    assert len(polled) == 10
    assert Article.objects.count() == 3
    failed = Source.objects.exclude(problem="")
    assert failed.count() == 9
    assert {s.failures for s in failed} == {1}
    assert "not on the public internet" in Source.objects.get(url__contains="192").problem


@pytest.mark.django_db
def test_a_defect_of_ours_is_noted_on_the_source(publisher: Publisher) -> None:
    """Something unforeseen in one source's content is logged, told, and tried again later."""
    publisher.pages["/feed"] = RSS
    source = source_at(publisher)
    Source.objects.filter(pk=source.pk).update(title="x")
    answer = RuntimeError("unforeseen")
    polled = polling._settle(source, answer, NOON)
    assert "RuntimeError" in polled.problem


@pytest.mark.django_db
def test_a_source_that_moved_for_good_is_followed(publisher: Publisher) -> None:
    """All hops permanent: the new address is the source's from now on."""
    publisher.redirect("/feed", "/moved", 301)
    publisher.redirect("/moved", "/new", 308)
    publisher.pages["/new"] = RSS
    source = source_at(publisher)
    assert polling.poll(source, NOON).problem == ""
    source.refresh_from_db()
    assert source.url == publisher.url("/new")


@pytest.mark.django_db
@pytest.mark.parametrize("status", [302, 307])
def test_a_source_that_moved_for_now_is_not(publisher: Publisher, status: int) -> None:
    """Temporary redirects change nothing."""
    publisher.redirect("/feed", "/new", status)
    publisher.pages["/new"] = RSS
    source = source_at(publisher)
    assert polling.poll(source, NOON).new == 3
    source.refresh_from_db()
    assert source.url == publisher.url("/feed")


@pytest.mark.django_db
def test_a_source_that_moved_to_no_feed_is_not_followed(publisher: Publisher) -> None:
    """A domain for sale redirects everything, for good, to its own page."""
    publisher.redirect("/feed", "/sale")
    publisher.pages["/sale"] = b"<html><title>Buy this domain</title>"
    source = source_at(publisher)
    polling.poll(source, NOON)
    source.refresh_from_db()
    assert source.url == publisher.url("/feed")


@pytest.mark.django_db
def test_a_source_that_moved_onto_another_is_told(publisher: Publisher) -> None:
    """It keeps its address and works on; an editor decides which of the two goes."""
    publisher.redirect("/feed", "/other")
    publisher.pages["/other"] = RSS
    source, other = source_at(publisher), source_at(publisher, "/other")
    polled = polling.poll(source, NOON)
    assert polled.new == 3
    assert other.url in polled.problem
    source.refresh_from_db()
    assert (source.url, source.failures) == (publisher.url("/feed"), 0)
    assert "remove one" in source.problem


@pytest.mark.django_db
def test_a_source_that_is_gone_is_never_polled_again(publisher: Publisher) -> None:
    """410 means for ever, unless an editor polls it and finds it back."""
    publisher.pages["/feed"] = Answer(status=410)
    source = source_at(publisher)
    (polled,) = polling.poll_due(NOON)
    assert "410 Gone" in polled.problem
    source.refresh_from_db()
    assert source.gone_at == NOON
    assert polling.poll_due(NOON + timedelta(days=365)) == []
    publisher.pages["/feed"] = RSS
    assert polling.poll(source, NOON).new == 3
    source.refresh_from_db()
    assert source.gone_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(("retry_after", "wait"), [("7200", 2 * HOUR), ("9999999", 24 * HOUR)])
def test_retry_after_is_honoured(publisher: Publisher, retry_after: str, wait: timedelta) -> None:
    """429 and 503 say when to come back; a day is the longest we stay away."""
    publisher.pages["/feed"] = Answer(status=429, headers={"Retry-After": retry_after})
    source = source_at(publisher)
    polling.poll_due(NOON)
    source.refresh_from_db()
    assert source.next_poll_at == NOON + wait
    assert polling.poll_due(source.next_poll_at - timedelta(seconds=1)) == []


@pytest.mark.django_db
def test_failures_back_off_and_a_success_ends_that(publisher: Publisher) -> None:
    """Each failure in a row doubles the wait; the first good answer resets it all."""
    source = source_at(publisher)
    for failures in (1, 2, 3):
        polling.poll(source, NOON)
        source.refresh_from_db()
        assert source.failures == failures
    assert NOON + 0.9 * HOUR <= source.next_poll_at <= NOON + 1.1 * HOUR
    publisher.pages["/feed"] = RSS
    polling.poll(source, NOON)
    source.refresh_from_db()
    assert (source.failures, source.problem) == (0, "")


@pytest.mark.django_db
def test_a_claimed_source_is_left_to_its_holder(publisher: Publisher) -> None:
    """Until the lease is over; a killed worker holds nothing up for long."""
    publisher.pages["/feed"] = RSS
    source_at(publisher, lease_until=NOON + LEASE)
    assert polling.poll_due(NOON) == []
    assert len(polling.poll_due(NOON + LEASE)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_source_another_worker_is_claiming_is_skipped(publisher: Publisher) -> None:
    """Two workers never wait for each other, and never poll the same source."""
    publisher.pages["/feed"] = RSS
    source = source_at(publisher)
    results: list[list[PollResult]] = []

    def run() -> None:
        try:
            results.append(polling.poll_due(NOON))
        finally:
            connections.close_all()

    with transaction.atomic():
        Source.objects.select_for_update().get(pk=source.pk)
        other = Thread(target=run)
        other.start()
        other.join(5)
    assert results == [[]]
    assert len(polling.poll_due(NOON)) == 1


@pytest.mark.django_db
def test_a_lost_lease_is_not_written_over(publisher: Publisher) -> None:
    """Whoever comes back too late leaves the source to who has it now."""
    source = source_at(publisher)
    (claimed,) = polling._claim(NOON)
    later = NOON + 2 * LEASE
    Source.objects.filter(pk=source.pk).update(lease_until=later)
    polling._settle(claimed, RuntimeError("late"), NOON)
    source.refresh_from_db()
    assert (source.lease_until, source.failures) == (later, 0)


@pytest.mark.django_db
def test_sources_are_fetched_side_by_side(publisher: Publisher) -> None:
    """Ten servers that take their time cost the time of one."""

    def slow(client: BaseHTTPRequestHandler) -> None:
        time.sleep(1)
        client.send_response(200)
        client.end_headers()
        client.wfile.write(RSS)

    for number in range(10):
        publisher.pages[f"/{number}"] = slow
        source_at(publisher, f"/{number}")
    start = time.monotonic()
    polled = polling.poll_due(NOON)
    assert time.monotonic() - start < 8
    assert [p.problem for p in polled] == [""] * 10
    assert Article.objects.count() == 3


@pytest.mark.django_db
def test_a_page_is_polled_as_one_article(publisher: Publisher) -> None:
    """A source may be a single page; a later edit is a change of its article."""
    html = (DATA / "page.html").read_bytes().replace(b'href="/2026/seals"', b'href=""')
    publisher.pages["/seals"] = html
    source = source_at(publisher, "/seals", kind=Source.Kind.PAGE)
    assert polling.poll(source, NOON).new == 1
    publisher.pages["/seals"] = html.replace(b"forty grey", b"fifty grey")
    assert polling.poll(source, NOON + HOUR).changed == 1
    assert Article.objects.get().image_credit == "Ben Tide"


@pytest.mark.django_db
def test_an_address_that_two_publications_use_is_fetched_once(publisher: Publisher) -> None:
    """The second one's source comes along before its time, and both get articles of their own."""
    publisher.pages["/feed"] = RSS
    sources = [source_at(publisher, publication_id=1), source_at(publisher, publication_id=2)]
    Source.objects.filter(pk=sources[1].pk).update(next_poll_at=NOON + HOUR)
    polls = polling.poll_due(NOON)
    assert len(publisher.seen) == 1
    assert {polled.source.pk for polled in polls} == {source.pk for source in sources}
    assert polls[0].new == polls[1].new > 0
    assert Article.objects.count() == 2 * polls[0].new
    later = Source.objects.values_list("next_poll_at", flat=True)
    assert all(moment > NOON for moment in later)


MOVED = """<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Tides</title><link>{site}</link>{extra}
<item><title>Seals return</title><description>At dawn.</description><guid>{guid}</guid>
<link>https://old.example/{guid}</link><pubDate>{date}</pubDate></item></channel></rss>"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("site", "extra"),
    [
        ("https://new.example", ""),
        (
            "https://old.example",
            "<itunes:new-feed-url>https://new.example/f</itunes:new-feed-url>",
        ),
    ],
)
def test_a_move_that_the_feed_declares_is_noted(
    publisher: Publisher, site: str, extra: str
) -> None:
    """Its stories are not new, though guid, link and date are; an editor is told."""

    def page(**values: str) -> bytes:
        return MOVED.format(**values).encode()

    old = {"site": "https://old.example", "extra": "", "guid": "a"}
    publisher.pages["/feed"] = page(**old, date="Mon, 23 Nov 2026 08:00:00 GMT")
    source = source_at(publisher)
    assert polling.poll(source, NOON).new == 1
    publisher.pages["/feed"] = page(
        site=site, extra=extra, guid="b", date="Wed, 25 Nov 2026 09:00:00 GMT"
    )
    polled = polling.poll(source, NOON + HOUR)
    source.refresh_from_db()
    assert (polled.new, source.moved_at, source.moved_stories) == (0, NOON + HOUR, 1)
    assert ("https://new.example/f" in source.problem) == bool(extra)
    assert Article.objects.get().url == "https://old.example/b"
