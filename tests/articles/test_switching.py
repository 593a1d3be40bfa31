"""Sources whose documents exceed the parser's limits."""

from datetime import datetime, timedelta

import pytest

from digest.accounts.models import AuditEntry
from digest.articles import isolation, polling
from digest.articles.errors import ParserKilledError, ParserUnavailableError
from digest.articles.models import Source
from digest.articles.parsing.base import Document
from digest.articles.switching import switch_on
from tests.articles.publisher import DATA, Publisher
from tests.cast import NOON, make_source

RSS = (DATA / "rss.xml").read_bytes()
HOSTILE = b"<rss>hostile"
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that is killed by one document, and by another only now finds no time."""
    parse = isolation.parse_feed

    def parse_feed(body: bytes, url: str = "", charset: str | None = None) -> Document:
        if body == HOSTILE:
            raise ParserKilledError
        if body == b"busy":
            raise ParserUnavailableError("busy")
        return parse(body, url, charset)

    monkeypatch.setattr(isolation, "parse_feed", parse_feed)


def poll(source: Source, at: datetime) -> Source:
    """Poll, and return the source as it is then."""
    source.refresh_from_db()
    polling.poll(source, at)
    source.refresh_from_db()
    return source


def test_the_third_time_switches_a_source_off(publisher: Publisher) -> None:
    """It is not polled any more, the audit log says so, and others go on."""
    publisher.pages |= {"/hostile": HOSTILE, "/feed": RSS}
    hostile = make_source(url=publisher.url("/hostile"))
    make_source(url=publisher.url("/feed"))
    for day in range(3):
        assert hostile.switched_off_at is None
        polling.poll_due(NOON + day * DAY)
        hostile.refresh_from_db()
    assert hostile.switched_off_at == NOON + 2 * DAY
    assert "too much time or memory 3 times" in hostile.problem
    assert not hostile.is_polled
    (polled,) = polling.poll_due(NOON + 9 * DAY)
    assert (polled.source.pk != hostile.pk, polled.problem) == (True, "")
    (entry,) = AuditEntry.objects.all()
    assert (entry.actor, entry.target) == ("Digest", str(hostile))
    assert "switched a source off" in entry.action


def test_good_documents_in_between_do_not_help(publisher: Publisher) -> None:
    """A server that is hostile now and then is switched off as well."""
    source = make_source(url=publisher.url("/feed"))
    for day, body in enumerate((HOSTILE, RSS, HOSTILE, RSS, HOSTILE)):
        publisher.pages["/feed"] = body
        poll(source, NOON + day * DAY)
    assert source.switched_off_at


def test_what_was_long_ago_is_forgotten(publisher: Publisher) -> None:
    """A feed that was too large three times in a year is an honest one."""
    publisher.pages["/feed"] = HOSTILE
    source = make_source(url=publisher.url("/feed"))
    for month in range(4):
        poll(source, NOON + month * 31 * DAY)
    assert (source.switched_off_at, source.parser_kills) == (None, 1)


def test_a_busy_machine_is_not_counted(publisher: Publisher) -> None:
    """What is our own fault is neither a failure of the source nor a kill."""
    publisher.pages["/feed"] = b"busy"
    source = poll(make_source(url=publisher.url("/feed")), NOON)
    assert (source.failures, source.parser_kills, source.problem) == (0, 0, "busy")
    assert source.next_poll_at > NOON


def test_a_source_that_is_off_is_not_polled_on_request(publisher: Publisher) -> None:
    """Not by a button nor by a token: each time would take ten seconds."""
    source = make_source(url=publisher.url("/feed"), switched_off_at=NOON, parser_kills=3)
    assert "switch it on again" in polling.poll(source, NOON).problem
    assert publisher.seen == []


def test_switching_on_starts_afresh(publisher: Publisher) -> None:
    """It is due at once, and three more kills are needed."""
    publisher.pages["/feed"] = HOSTILE
    source = make_source(url=publisher.url("/feed"))
    for day in range(3):
        poll(source, NOON + day * DAY)
    assert switch_on(source, NOON + 4 * DAY)
    assert not switch_on(source, NOON + 4 * DAY)
    publisher.pages["/feed"] = RSS
    (polled,) = polling.poll_due(NOON + 4 * DAY)
    assert polled.new == 3
    source.refresh_from_db()
    assert (source.parser_kills, source.switched_off_at, source.failures) == (0, None, 0)


def test_a_batch_ends_in_time(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a batch has no time for stays due for the next one."""
    publisher.pages["/feed"] = RSS
    source = make_source(url=publisher.url("/feed"))
    monkeypatch.setattr(polling, "BUDGET", -1.0)
    assert polling.poll_due(NOON) == []
    monkeypatch.undo()
    (polled,) = polling.poll_due(NOON)
    assert polled.source == source
