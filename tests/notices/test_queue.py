"""Single mails: at most one of a kind to a mailbox in an hour, and what is left of a wish."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.core.context import request_context
from django.test import RequestFactory

from digest.console.team.adapters import AccountAdapter
from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.notices import queue
from digest.notices.models import Notice
from digest.selfservice import signups
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db
Kind = Notice.Kind


def queue_link(
    newsletter: Newsletter, minutes: float = 0, ids: list[int] | None = None, **more: Any
) -> Notice | None:
    """Lay down a confirmation some minutes after noon."""
    defaults: dict[str, Any] = {"email": "nadia@gmail.com", "context": {"newsletters": ids or [1]}}
    now = NOON + timedelta(minutes=minutes)
    kind = more.pop("kind", Kind.CONFIRM)
    return queue.queue_notice(kind, newsletter.publication, now=now, **defaults | more)


def test_the_same_wish_is_one_mail_an_hour(newsletter: Newsletter) -> None:
    """However the mailbox is spelled; after the hour there may be another."""
    assert queue_link(newsletter)
    for minutes, email in (
        (1, "nadia@gmail.com"),
        (20, "n.adia+x@gmail.com"),
        (59, "NADIA@googlemail.com"),
    ):
        assert queue_link(newsletter, minutes, email=email) is None
    assert queue_link(newsletter, 61)


def test_another_wish_waits_until_the_hour_is_over(newsletter: Newsletter) -> None:
    """It is not lost, and a third joins the one that waits."""
    queue_link(newsletter)
    later = queue_link(newsletter, 5, ids=[2])
    assert later is not None
    assert later.due_at == NOON + queue.WINDOW
    assert queue_link(newsletter, 6, ids=[3]) is None
    later.refresh_from_db()
    assert later.context == {"newsletters": [2, 3]}
    assert Notice.objects.count() == 2


def test_a_waiting_confirmation_takes_up_no_wish_of_another_publication(
    newsletter: Newsletter,
) -> None:
    """It is written in its publication's name: the third wish waits for its own turn."""
    other = make_newsletter()
    queue_link(newsletter)
    waiting, third = queue_link(other, 5, ids=[2]), queue_link(newsletter, 10, ids=[3])
    assert waiting is not None
    assert third is not None
    assert third.due_at == waiting.due_at + queue.WINDOW
    assert queue_link(newsletter, 11, ids=[4]) is None
    assert queue_link(other, 12, ids=[5]) is None
    contexts = Notice.objects.order_by("pk").values_list("context__newsletters", flat=True)
    assert list(contexts) == [[1], [2, 5], [3, 4]]


def test_a_waiting_confirmation_takes_up_no_wish_of_another_subscriber(
    newsletter: Newsletter,
) -> None:
    """Two addresses of a mailbox are two subscribers, each with a link of their own."""
    wishes = [("a", 0, [1]), ("b", 5, [2]), ("a", 10, [3]), ("b", 11, [4])]
    subscribers = {tag: make_subscriber(email=f"nadia+{tag}@gmail.com") for tag in "ab"}
    for tag, minutes, ids in wishes:
        subscriber = subscribers[tag]
        queue_link(newsletter, minutes, ids, email=subscriber.email, subscriber=subscriber)
    notices = Notice.objects.order_by("pk")
    assert [(row.email, row.context["newsletters"]) for row in notices] == [
        ("nadia+a@gmail.com", [1]),
        ("nadia+b@gmail.com", [2, 4]),
        ("nadia+a@gmail.com", [3]),
    ]
    assert [row.due_at for row in notices] == [NOON, NOON + queue.WINDOW, NOON + 2 * queue.WINDOW]


def test_address_changes_do_not_replace_each_other(newsletter: Newsletter) -> None:
    """Each is sent, an hour apart."""
    changes = [queue_link(newsletter, n, kind=Kind.CHANGE, context={"change": n}) for n in range(3)]
    assert [row.context for row in Notice.objects.order_by("pk")] == [
        {"change": n} for n in range(3)
    ]
    assert [change and change.due_at for change in changes] == [
        NOON + n * queue.WINDOW for n in range(3)
    ]


def test_an_hour_passes_after_a_confirmation_that_waited(newsletter: Newsletter) -> None:
    """It counts from when that one went out, not from when it was queued."""
    queue_link(newsletter)
    queue_link(newsletter, 5, ids=[2])  # goes out at 60
    later = queue_link(newsletter, 66, ids=[3])
    assert later is not None
    assert later.due_at == NOON + 2 * queue.WINDOW


def test_a_day_has_its_limit(newsletter: Newsletter) -> None:
    """Somebody who is bombed all day gets a handful."""
    for hour in range(20):
        queue_link(newsletter, hour * 61)
    assert Notice.objects.count() == queue.DAILY_CONFIRMATIONS


def test_other_kinds_are_counted_by_themselves(newsletter: Newsletter) -> None:
    """A confirmation does not keep the link away that the subscriber asks for next."""
    queue_link(newsletter)
    assert queue_link(newsletter, 1, kind=Kind.LINK)
    assert queue_link(newsletter, 2, kind=Kind.LINK) is None
    assert queue_link(newsletter, 3, kind=Kind.WELCOME)


def test_answers_to_mail_are_one_in_an_hour_in_all(newsletter: Newsletter) -> None:
    """RFC 3834 §2: no loop can turn, whatever comes."""
    assert queue_link(newsletter, kind=Kind.HELP, answers_mail=True)
    for kind in (Kind.CONFIRM, Kind.LEFT, Kind.HELP, Kind.LINK):
        assert queue_link(newsletter, 30, kind=kind, answers_mail=True) is None
    assert queue_link(newsletter, 31, kind=Kind.LINK)


@pytest.mark.parametrize(
    ("language", "expected"), [("de", "de"), ("", "en"), ("pt-BR", "pt-BR"), ("ja", "fr")]
)
def test_confirmation_is_in_the_newsletters_language(
    newsletter: Newsletter, language: str, expected: str
) -> None:
    """Whatever the browser's: only where Digest has no texts in it does the browser's decide."""
    Newsletter.objects.filter(pk=newsletter.pk).update(language=language)
    newsletter.refresh_from_db()
    address = addresses.parse("nadia@reader.example")
    notice = signups.invite(address, [newsletter], via="page", now=NOON, language="fr")
    assert notice is not None
    assert (notice.kind, notice.language) == (Kind.CONFIRM, expected)


def test_a_question_to_stay_is_one_an_hour(newsletter: Newsletter) -> None:
    """Whoever is silent in five newsletters is not asked five times at once."""
    assert queue_link(newsletter, kind=Kind.STAY)
    assert queue_link(newsletter, 1, kind=Kind.STAY, ids=[2]) is None
    assert queue_link(newsletter, 61, kind=Kind.STAY, ids=[2])


def test_an_invitation_in_bulk_that_is_asked_for_goes_with_the_others(
    newsletter: Newsletter,
) -> None:
    """A sign-up makes no second confirmation, so the one that waits must not stay behind."""
    notice = queue_link(newsletter, in_bulk=True)
    assert notice is not None
    assert notice.precedence == Notice.Precedence.IN_BULK
    assert queue_link(newsletter, 1) is None
    notice.refresh_from_db()
    assert notice.precedence == Notice.Precedence.USUAL


def test_an_account_without_a_mailbox_is_no_error(newsletter: Newsletter) -> None:
    """Its password is changed all the same; a notice to it cannot be sent."""
    with request_context(RequestFactory().get("/")):
        for email in ("admin@localhost", "ada@courier.example"):
            AccountAdapter().send_mail("account/email/password_changed", email, {})
    assert [row.email for row in Notice.objects.all()] == ["ada@courier.example"]
