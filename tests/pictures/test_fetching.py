"""Pictures of articles: fetched once, from real servers, kind and hostile."""

import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from django.core.files.storage import storages

from digest.core import http
from digest.pictures import converting, fetching, storage
from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size
from tests.articles.publisher import Answer, Publisher
from tests.cast import NOON
from tests.pictures.samples import encoded, opened, photo

pytestmark = pytest.mark.django_db

JPEG = encoded(photo())


def fetched(publisher: Publisher, path: str = "/a.jpg") -> Picture:
    """The picture at a path, after one round."""
    fetching.request(1, [publisher.url(path)], NOON)
    fetching.fetch_due(NOON)
    return Picture.objects.get(source_url=publisher.url(path))


def test_a_picture_is_fetched_once(publisher: Publisher) -> None:
    """However many stories name it; its files are where mails look for them."""
    publisher.pages["/a.jpg"] = JPEG
    url = publisher.url("/a.jpg")
    fetching.request(1, [url, url, ""], NOON)
    (picture,) = fetching.fetch_due(NOON)
    fetching.request(1, [url], NOON)
    assert fetching.fetch_due(NOON + timedelta(days=30)) == []
    assert [request.path for request in publisher.seen] == ["/a.jpg"]
    assert (picture.state, picture.width, picture.height) == ("ready", 1200, 900)
    rendition = rendition_of(picture, Size.LEAD)
    assert (rendition.width, rendition.height) == (600, 400)
    name = rendition.url.removeprefix("https://digest.example/pictures/")
    assert opened(storage.load(storage.shown_name(name))).size == (1200, 800)


def test_publications_have_pictures_of_their_own(publisher: Publisher) -> None:
    """The same address in two is two rows, and one set of files."""
    publisher.pages["/a.jpg"] = JPEG
    for publication_id in (1, 2):
        fetching.request(publication_id, [publisher.url("/a.jpg")], NOON)
    rows = fetching.fetch_due(NOON)
    assert {(row.publication_id, row.state) for row in rows} == {(1, "ready"), (2, "ready")}
    assert len({rendition_of(row, Size.WIDE) for row in rows}) == 1


def test_a_server_in_trouble_is_asked_again(publisher: Publisher) -> None:
    """With growing waits, and not for ever."""
    publisher.pages["/a.jpg"] = Answer(status=503)
    picture = fetched(publisher)
    assert (picture.state, picture.failures) == ("due", 1)
    assert picture.next_try_at is not None
    assert picture.next_try_at > NOON
    assert fetching.fetch_due(NOON) == []
    publisher.pages["/a.jpg"] = JPEG
    (picture,) = fetching.fetch_due(picture.next_try_at)
    assert (picture.state, picture.failures, picture.problem) == ("ready", 0, "")


def test_after_some_failures_it_is_refused(publisher: Publisher) -> None:
    """After about an hour, and its row says why."""
    publisher.pages["/a.jpg"] = Answer(status=500)
    fetching.request(1, [publisher.url("/a.jpg")], NOON)
    now = NOON
    while (picture := fetching.fetch_due(now)[0]).next_try_at:
        now = picture.next_try_at
    assert timedelta(minutes=50) < now - NOON < timedelta(minutes=80)
    assert (picture.state, picture.next_try_at) == ("refused", None)
    assert "500" in picture.problem


def test_a_server_names_the_time_of_the_next_try(publisher: Publisher) -> None:
    """Asked before that, it would refuse again, and the tries would be used up."""
    publisher.pages["/a.jpg"] = Answer(status=429, headers={"Retry-After": "1200"})
    assert fetched(publisher).next_try_at == NOON + timedelta(minutes=20)


def _slow(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for byte in JPEG[:200]:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


REFUSED: dict[str, tuple[Answer | bytes, str]] = {
    "missing": (Answer(status=404), "404"),
    "a page": (Answer(b"<!doctype html><p>x", headers={"Content-Type": "image/jpeg"}), "web page"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "a counting pixel": (encoded(photo(1, 1), "PNG"), "only 1 by 1"),
    "too small for a story": (encoded(photo(200, 150)), "at least 300"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_a_storys_picture_is_refused_at_once(publisher: Publisher, kind: str) -> None:
    """Another try would end in the same way."""
    publisher.pages["/a.jpg"], message = REFUSED[kind]
    picture = fetched(publisher)
    assert (picture.state, picture.next_try_at) == ("refused", None)
    assert message in picture.problem


def test_a_redirect_into_the_network_is_refused(publisher: Publisher) -> None:
    """The metadata address of clouds, and whatever else is not on the public internet."""
    publisher.redirect("/a.jpg", "http://169.254.169.254/latest/meta-data/")
    picture = fetched(publisher)
    assert picture.state == "refused"
    assert "not on the public internet" in picture.problem


def test_too_many_bytes_are_not_read(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture may have more than a feed, and not more than the limit."""
    publisher.pages |= {"/a.jpg": JPEG, "/b.jpg": JPEG}
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    assert fetched(publisher).state == "ready"
    monkeypatch.setattr(converting, "MAX_BYTES", 1000)
    assert fetched(publisher, "/b.jpg").state == "refused"


def test_a_slow_server_holds_up_nobody(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its picture is tried again later; the others are ready."""
    monkeypatch.setattr(http, "MAX_SECONDS", 0.5)
    publisher.pages |= {"/slow.jpg": _slow, "/a.jpg": JPEG}
    fetching.request(1, [publisher.url("/slow.jpg"), publisher.url("/a.jpg")], NOON)
    start = time.monotonic()
    fetching.fetch_due(NOON)
    assert time.monotonic() - start < 8
    states = dict(Picture.objects.values_list("source_url", "state"))
    assert states == {publisher.url("/slow.jpg"): "due", publisher.url("/a.jpg"): "ready"}


def test_a_storage_that_fails_is_not_the_pictures_fault(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays due, and no failure is counted."""
    publisher.pages["/a.jpg"] = JPEG

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storages[storage.ALIAS], "exists", fail)
    picture = fetched(publisher)
    assert (picture.state, picture.failures) == ("due", 0)
    assert "storage" in picture.problem


def test_a_fault_of_ours_ends_one_picture_alone(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as a failure and is logged."""
    publisher.pages["/a.jpg"] = JPEG
    monkeypatch.setattr(fetching, "fetch", lambda *_args, **_options: 1 / 0)
    picture = fetched(publisher)
    assert (picture.state, picture.failures) == ("due", 1)
    assert "unforeseen" in picture.problem


def test_two_workers_share_the_work(publisher: Publisher) -> None:
    """What one has claimed, the other does not fetch, until the lease ends."""
    publisher.pages["/a.jpg"] = JPEG
    fetching.request(1, [publisher.url("/a.jpg")], NOON)
    (claimed,) = fetching._claim(NOON)
    assert fetching.fetch_due(NOON) == []
    assert isinstance(claimed, Picture)
    (picture,) = fetching.fetch_due(NOON + fetching.LEASE)
    assert picture.state == "ready"
