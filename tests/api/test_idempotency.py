"""A call with an Idempotency-Key is done once, however often it is sent."""

from datetime import timedelta
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from digest.api.idempotency import delete_expired
from digest.api.models import IdempotentResponse
from digest.articles.models import Article
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.subscribers import consent
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from tests.api.conftest import Caller, MakeCaller
from tests.cast import make_article, make_issue, make_newsletter, make_publication, make_source
from tests.smtp_server import SmtpServer

NEW = {"publication": "courier", "slug": "tide", "name": "The Morning Tide"}


@pytest.fixture
def caller(db: None, make_caller: MakeCaller) -> Caller:
    """A program that may do everything, and a publication."""
    make_publication(slug="courier")
    return make_caller()


def test_a_repeat_gets_the_first_answer_and_does_nothing(caller: Caller) -> None:
    """WebhookDelivery for word, and marked as a repeat."""
    first = caller("POST", "/newsletters", NEW, key="one")
    second = caller("POST", "/newsletters", NEW, key="one")
    quoted = caller("POST", "/newsletters", NEW, key='"one"')
    assert [first.status_code, second.status_code, quoted.status_code] == [201, 201, 201]
    assert first.content == second.content == quoted.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert Newsletter.objects.count() == 1


def test_a_key_is_for_one_call(caller: Caller) -> None:
    """Another body, or another address: 422, and nothing is done."""
    caller("POST", "/newsletters", NEW, key="one")
    assert caller("POST", "/newsletters", NEW | {"slug": "ebb"}, key="one").status_code == 422
    assert caller("POST", "/sources", NEW, key="one").status_code == 422
    assert Newsletter.objects.count() == 1


def test_each_token_has_keys_of_its_own(caller: Caller, make_caller: MakeCaller) -> None:
    """Another program's key says nothing."""
    caller("POST", "/newsletters", NEW, key="one")
    other = make_caller(name="other")
    answer = other("POST", "/newsletters", NEW | {"slug": "ebb"}, key="one")
    assert answer.status_code == 201


def test_a_call_with_a_problem_changes_nothing_and_may_be_made_again(caller: Caller) -> None:
    """The key is as if never used, and what was half done is undone."""
    broken = NEW | {"schedule": {"time": "07:00", "timezone": "Nowhere/At-All"}}
    assert caller("POST", "/newsletters", broken, key="one").status_code >= 400
    assert not Newsletter.objects.exists()
    assert not IdempotentResponse.objects.exists()
    assert caller("POST", "/newsletters", NEW, key="one").status_code == 201


def test_a_key_is_forgotten_after_a_day(caller: Caller) -> None:
    """Then it may name another call; the sweep deletes what is over."""
    caller("POST", "/newsletters", NEW, key="one")
    IdempotentResponse.objects.update(created_at=clock.now() - timedelta(hours=24, seconds=1))
    assert caller("POST", "/newsletters", NEW | {"slug": "ebb"}, key="one").status_code == 201
    assert delete_expired(clock.now() + timedelta(hours=23)) == 0
    assert delete_expired(clock.now() + timedelta(hours=25)) == 1


def test_a_forgotten_key_creates_another_issue(caller: Caller) -> None:
    """A script that uses the same key every week does not get last week's issue again."""
    newsletter = make_newsletter(slug="tide")
    article_ids = [make_article(make_source(newsletter), title=title).pk for title in ("A", "B")]
    issue_ids = []
    for article_id in article_ids:
        body = {"articles": [article_id]}
        issue_ids.append(caller.json("POST", "/newsletters/tide/issues", body, key="a")["id"])
        IdempotentResponse.objects.update(created_at=clock.now() - timedelta(hours=25))
    assert issue_ids[0] != issue_ids[1]
    stories = Issue.objects.get(pk=issue_ids[1]).stories
    assert list(stories.values_list("article", flat=True)) == [article_ids[1]]


def test_what_was_half_done_is_undone(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two newsletters is not kept when the second one fails."""
    for slug in ("ebb", "flood"):
        make_newsletter(slug=slug)
    subscribe = consent.subscribe

    def fail_second(address: Any, newsletter: Any, **options: Any) -> Any:
        if newsletter.slug == "flood":
            raise SubscriberError("The email address is too long.")
        return subscribe(address, newsletter, **options)

    monkeypatch.setattr("digest.subscribers.consent.subscribe", fail_second)
    body = {"email": "ines@reader.example", "newsletters": ["ebb", "flood"], "confirmed": True}
    body |= {"evidence": "paper form"}
    assert caller("POST", "/subscribers", body).status_code == 409
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("key", [" ", '""', "x" * 256, "ü"])
def test_a_key_that_is_none_is_refused(caller: Caller, key: str) -> None:
    """Whoever sends one means it."""
    assert caller("POST", "/newsletters", NEW, key=key).status_code == 400


def test_what_mails_everybody_needs_a_key(caller: Caller) -> None:
    """A repeat unseen would be an issue twice."""
    issue = make_issue(make_newsletter(slug="ebb"))
    path = f"/issues/{issue.pk}/send"
    assert caller("POST", path, {"revision": 1}).status_code == 400
    assert Issue.objects.get().send_at is None


@pytest.mark.django_db(transaction=True)
def test_eight_at_the_same_moment_run_once(make_caller: MakeCaller, settings: Settings) -> None:
    """One is done; the others are told to wait, or get the first one's answer."""
    newsletter = make_newsletter(slug="ebb")
    make_article(make_source(newsletter), published_at=clock.now())
    caller, together = make_caller(), Barrier(8)
    answers: list[Any] = []

    def press() -> None:
        together.wait()
        body = {"to": "ada@courier.example"}
        answers.append(caller("POST", "/newsletters/ebb/test", body, key="one"))
        connection.close()

    presses = [Thread(target=press) for _ in range(8)]
    with SmtpServer(delay=0.2) as relay:
        settings.DIGEST_SMTP_URL = relay.url
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join(30)
        assert len(relay.received) == 1
    statuses = [answer.status_code for answer in answers]
    assert len(statuses) == 8
    assert set(statuses) <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1


@pytest.mark.django_db(transaction=True)
def test_who_comes_while_the_first_is_at_work_is_told_so(make_caller: MakeCaller) -> None:
    """409 at once, without waiting for whatever the first is doing."""
    from digest.api import idempotency

    make_publication(slug="courier")
    caller, locked, free = make_caller(), Event(), Event()

    def hold() -> None:
        from digest.accounts.models import Token

        with transaction.atomic():
            idempotency._lock(Token.objects.get().pk, "one")
            locked.set()
            free.wait(20)
        connection.close()

    holder = Thread(target=hold)
    holder.start()
    locked.wait(20)
    busy = caller("POST", "/newsletters", NEW, key="one")
    free.set()
    holder.join(20)
    assert (busy.status_code, busy["Retry-After"]) == (409, "1")
    assert caller("POST", "/newsletters", NEW, key="one").status_code == 201


def test_pushing_is_idempotent_without_a_key(caller: Caller) -> None:
    """The same guid, or the same link, is the same article."""
    body: dict[str, Any] = {"publication": "courier", "url": "https://courier.example/1"}
    outcomes = [
        caller.json("POST", "/articles", body | {"title": title})["outcome"]
        for title in ("Seals", "Seals", "Seals return")
    ]
    assert outcomes == ["new", "unchanged", "changed"]
    assert Article.objects.get().revision == 2
