"""From a signed call to an article, a correction, a retraction."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from digest.accounts.models import User
from digest.articles import isolation
from digest.articles.errors import ParserUnavailableError
from digest.articles.models import Article, Source
from digest.articles.parsing.base import Entry
from digest.connectors import receiving, registry, settling
from digest.connectors.models import Connection, ReceivedEvent
from digest.core import clock, sealing
from digest.issues import creating, retracting
from digest.newsletters.models import Newsletter
from digest.webhooks import signing
from tests.cast import NOON, make_article, make_newsletter, make_source
from tests.connectors import ghost
from tests.connectors.ghost import make_call, make_post

pytestmark = pytest.mark.django_db
Call = Callable[..., int]
Outcome = ReceivedEvent.Outcome


@pytest.fixture
def ada() -> User:
    """An owner."""
    return User.objects.create_superuser("ada@courier.example")


def connect(kind: str, newsletter: Newsletter, owner: User, name: str = "site") -> Connection:
    """A connection of the newsletter's publication."""
    connection, _ = registry.add(
        name, kind, newsletter.publication, owner, NOON, newsletters=[newsletter]
    )
    return connection


@pytest.fixture
def blog(tide: Newsletter, ada: User) -> Connection:
    """A Ghost site."""
    return connect("ghost", tide, ada)


@pytest.fixture
def cms(tide: Newsletter, ada: User) -> Connection:
    """A system with the plain webhook."""
    return connect("webhook", tide, ada)


def post(client: Client, connection: Connection, body: bytes, headers: dict[str, str]) -> int:
    """Call the connection's address; return the status."""
    path = "/" + receiving.address_of(connection).split("/", 3)[3]
    answer = client.post(path, body, "application/json", headers=headers)
    return answer.status_code


@pytest.fixture
def call_ghost(client: Client, blog: Connection) -> Call:
    """Call as Ghost does, and settle what that leaves."""

    def call(body: bytes) -> int:
        secret = sealing.unseal(blog.sealed_secret)
        status = post(client, blog, body, ghost.sign(secret, body, clock.now()))
        settling.settle_due()
        return status

    return call


@pytest.fixture
def call_cms(client: Client, cms: Connection) -> Call:
    """Call as Standard Webhooks says, and settle what that leaves."""

    def call(kind: str, message_id: str = "", at: datetime | None = None, **data: Any) -> int:
        moment = {"timestamp": at.isoformat()} if at else {}
        body = json.dumps({"type": kind, "data": data} | moment).encode()
        secret, now = sealing.unseal(cms.sealed_secret), clock.now()
        message_id = message_id or f"msg_{kind}_{len(body)}_{cms.events.count()}"
        headers = signing.headers(secret, message_id, int(now.timestamp()), body)
        status = post(client, cms, body, headers)
        settling.settle_due()
        return status

    return call


def outcomes() -> list[str]:
    """What became of the events, in order."""
    return list(ReceivedEvent.objects.order_by("pk").values_list("outcome", flat=True))


def test_a_post_of_ghost_comes_in_is_corrected_and_taken_back(
    call_ghost: Call, tide: Newsletter
) -> None:
    """Each call changes the same article; a draft that has it loses it."""
    assert call_ghost(ghost.published()) == 202
    article = Article.objects.get()
    assert (article.title, article.byline) == ("Seals return", "Ada Marsh, Ben Quay")
    assert "<b>sandbank</b>" in article.body_html
    assert Source.objects.get(newsletters=tide).kind == Source.Kind.PUSHED
    issue = creating.create_issue(tide, "k", User.objects.get(), clock.now(), articles=[article])
    call_ghost(ghost.edited(title="Forty seals return", updated_at="2026-11-23T11:30:00.000Z"))
    article.refresh_from_db()
    assert article.title == "Forty seals return"
    call_ghost(ghost.unpublished())
    article.refresh_from_db()
    issue.refresh_from_db()
    assert article.retracted_at is not None
    assert issue.state == "skipped"
    call_ghost(ghost.published(updated_at="2026-11-23T11:40:00.000Z"))
    assert Article.objects.get().retracted_at is None
    assert outcomes() == [Outcome.NEW, Outcome.CHANGED, Outcome.RETRACTED, Outcome.CHANGED]


def test_a_call_that_comes_twice_is_stored_once(call_cms: Call) -> None:
    """It has the same id."""
    for _ in range(2):
        article = {"url": "https://courier.example/1", "title": "Seals"}
        assert call_cms("article.published", "msg_1", **article) == 202
    assert outcomes() == [Outcome.NEW]


def test_calls_that_overtake_each_other_leave_the_newest_version(call_cms: Call) -> None:
    """By the time at which the article changed."""
    for minute, title in ((30, "Forty seals"), (10, "Some seals")):
        call_cms(
            "article.updated",
            url="https://courier.example/1",
            title=title,
            updated_at=f"2026-11-23T11:{minute}:00Z",
        )
    assert Article.objects.get().title == "Forty seals"
    assert outcomes() == [Outcome.NEW, Outcome.STALE]


def test_what_nobody_has_cannot_be_taken_back(call_cms: Call) -> None:
    """It is recorded, and nothing else happens."""
    assert call_cms("article.retracted", guid="cms-9") == 202
    assert outcomes() == [Outcome.UNKNOWN]


SEALS = {"guid": "cms-1", "url": "https://courier.example/1", "title": "Seals"}


def minutes_ago(minutes: int) -> datetime:
    """A moment before now."""
    return clock.now() - timedelta(minutes=minutes)


@pytest.mark.parametrize("kind", ["article.published", "article.updated"])
def test_a_late_call_does_not_bring_back_what_was_taken_down(call_cms: Call, kind: str) -> None:
    """Neither an article that nobody had yet, nor one that was there."""
    call_cms("article.retracted", at=minutes_ago(3), guid="cms-1")
    call_cms(kind, at=minutes_ago(4), **SEALS)
    assert not Article.objects.exists()
    call_cms("article.published", at=minutes_ago(2), **SEALS)
    call_cms("article.retracted", at=minutes_ago(0), guid="cms-1")
    call_cms(kind, at=minutes_ago(1), **SEALS)
    assert Article.objects.get().retracted_at is not None
    assert outcomes() == [
        Outcome.UNKNOWN,
        Outcome.STALE,
        Outcome.NEW,
        Outcome.RETRACTED,
        Outcome.STALE,
    ]


@pytest.mark.parametrize("kind", ["article.published", "article.updated"])
def test_what_its_system_took_down_comes_back_with_it(call_cms: Call, kind: str) -> None:
    """Wagtail calls a page that is published again corrected."""
    call_cms("article.published", at=minutes_ago(3), **SEALS)
    call_cms("article.retracted", at=minutes_ago(2), guid="cms-1")
    call_cms(kind, at=minutes_ago(1), **SEALS)
    assert Article.objects.get().retracted_at is None
    assert outcomes()[-1] == Outcome.CHANGED


def test_what_an_editor_retracted_has_to_be_published_after_that(call_cms: Call, ada: User) -> None:
    """A correction, or a call that is older, does not lift it; even if the system did the same."""
    call_cms("article.published", at=minutes_ago(9), **SEALS)
    article = Article.objects.get()
    call_cms("article.retracted", at=minutes_ago(8), guid="cms-1")
    retracting.withdraw(article, "Wrong.", ada, clock.now())
    Article.objects.update(retracted_at=minutes_ago(5))
    for kind, minutes in (("article.published", 6), ("article.updated", 4)):
        call_cms(kind, at=minutes_ago(minutes), **SEALS)
        assert Article.objects.get().retracted_at is not None, kind
    call_cms("article.published", at=minutes_ago(3), **SEALS)
    assert Article.objects.get().retracted_at is None


def test_two_sites_may_have_the_same_guid(call_cms: Call) -> None:
    """The address says whose article is meant."""
    for number in (1, 2):
        url = f"https://site{number}.example/seals"
        call_cms("article.published", guid="page:12", url=url, title=f"Seals {number}")
    first, second = Article.objects.order_by("pk")
    call_cms("article.retracted", guid="page:12", url=first.url)
    for article, is_retracted in ((first, True), (second, False)):
        article.refresh_from_db()
        assert (article.retracted_at is not None) is is_retracted


@pytest.mark.parametrize("is_known_by", ["guid", "address"])
def test_what_only_a_feed_has_shown_is_taken_back(
    call_ghost: Call, tide: Newsletter, is_known_by: str
) -> None:
    """It was there before the connection: the feed has the same guid, or the same address."""
    feed = make_source(tide)
    other = make_article(make_source(make_newsletter(slug="ebb")), title="Of another publication")
    article = make_article(feed, url="https://courier.example/seals/")
    guids = {article: ghost.ID if is_known_by == "guid" else "tag:other", other: ghost.ID}
    for row, guid in guids.items():
        row.sightings.update(guid=guid)
    issue = creating.create_issue(tide, "k", User.objects.get(), clock.now(), articles=[article])
    call_ghost(make_call("post.deleted", {}, make_post()))
    article.refresh_from_db()
    issue.refresh_from_db()
    other.refresh_from_db()
    assert outcomes() == [Outcome.RETRACTED]
    assert article.retracted_at is not None
    assert (issue.state, other.retracted_at) == ("skipped", None)


def test_markup_of_strangers_is_cleaned(call_cms: Call) -> None:
    """By the same code as feeds."""
    body = '<p onclick="x()">Seals<script>alert(1)</script></p>'
    url = "https://courier.example/1"
    call_cms("article.published", url=url, title="<i>Seals</i>", body_html=body)
    article = Article.objects.get()
    assert article.title == "Seals"
    assert "alert" not in article.body_html
    assert "onclick" not in article.body_html


def test_an_unsigned_call_changes_nothing(client: Client, blog: Connection) -> None:
    """401 says why; a wrong address is not there; reading it does nothing."""
    body = ghost.published()
    assert post(client, blog, body, {}) == 401
    assert post(client, blog, body, ghost.sign("guess", body, clock.now())) == 401
    path = "/" + receiving.address_of(blog).split("/", 3)[3]
    assert client.get(path).status_code == 204
    assert client.put(path).status_code == 405
    assert client.post(path[:-2] + "xx", body, "application/json").status_code == 404
    assert not ReceivedEvent.objects.exists()
    blog.refresh_from_db()
    assert blog.received_at is None


def test_a_body_that_cannot_be_read_is_refused(client: Client, cms: Connection) -> None:
    """422, signed as it may be."""
    secret, now = sealing.unseal(cms.sealed_secret), int(clock.now().timestamp())
    for body in (b"", b"[]", b"{", b"[" * 100_000, b'{"type": "x"}'):
        assert post(client, cms, body, signing.headers(secret, "m", now, body)) == 422
    assert not ReceivedEvent.objects.exists()


def test_an_address_outlives_no_connection(client: Client, blog: Connection) -> None:
    """One that was removed is refused, and its number given again opens nothing."""
    body, secret = ghost.published(), sealing.unseal(blog.sealed_secret)
    headers, number = ghost.sign(secret, body, clock.now()), blog.pk
    path = "/" + receiving.address_of(blog).split("/", 3)[3]
    blog.delete()
    assert client.post(path, body, "application/json", headers=headers).status_code == 401
    blog.pk, blog.uuid = number, uuid4()
    blog.save(force_insert=True)
    assert client.post(path, body, "application/json", headers=headers).status_code == 404


def make_event(connection: Connection, number: int, **fields: Any) -> ReceivedEvent:
    """An event that is due: an article is published."""
    entry = {"url": f"https://courier.example/{number}", "title": "Seals"}
    defaults = {"action": "publish", "entry": entry, "received_at": NOON, "due_at": NOON}
    return ReceivedEvent.objects.create(
        connection=connection, message_id=str(number), **defaults | fields
    )


def test_an_event_of_which_nothing_can_be_made_fails_at_once(cms: Connection) -> None:
    """The connection says why until the next one succeeds."""
    broken, good = make_event(cms, 1, entry={"tags": 3}), make_event(cms, 2)
    assert settling.settle_next(cms, NOON)
    broken.refresh_from_db()
    cms.refresh_from_db()
    assert (broken.outcome, broken.attempts, cms.problem) == (Outcome.FAILED, 1, broken.problem)
    assert cms.problem
    assert settling.settle_next(cms, NOON)
    good.refresh_from_db()
    cms.refresh_from_db()
    assert (good.outcome, cms.problem) == (Outcome.NEW, "")


@pytest.mark.parametrize("trouble", [ParserUnavailableError("busy"), KeyError("a bug")], ids=repr)
def test_in_trouble_the_next_event_waits_behind_the_first(
    cms: Connection, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """A correction must not overtake what it corrects; after ATTEMPTS the next one is settled."""
    first, _ = make_event(cms, 1), make_event(cms, 2)

    def clean_entry(_entry: Entry) -> Entry:
        raise trouble

    monkeypatch.setattr(isolation, "clean_entry", clean_entry)
    now = NOON
    for attempt in range(1, settling.ATTEMPTS + 1):
        is_last = attempt == settling.ATTEMPTS
        assert settling.settle_next(cms, now) is is_last
        first.refresh_from_db()
        assert (first.attempts, first.settled_at is not None) == (attempt, is_last)
        if not is_last:
            assert not settling.settle_next(cms, first.due_at - timedelta(seconds=1))
        now = first.due_at
    assert first.outcome == Outcome.FAILED
    monkeypatch.undo()
    assert settling.settle_next(cms, now)
    assert outcomes() == [Outcome.FAILED, Outcome.NEW]


def test_old_events_are_deleted(call_cms: Call) -> None:
    """A month after they were settled; what waits stays."""
    call_cms("article.published", url="https://courier.example/1", title="Seals")
    now: datetime = clock.now()
    assert settling.delete_old(now + settling.RETENTION - timedelta(minutes=1)) == 0
    assert settling.delete_old(now + settling.RETENTION + timedelta(minutes=1)) == 1
