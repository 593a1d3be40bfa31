"""Single mails: at most one of a kind to a mailbox in an hour, and what is left of a wish."""

from datetime import timedelta
from typing import Any

import pytest

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.notices import queue
from digest.notices.models import Notice
from digest.selfservice import signups
from tests.cast import NOON, make_newsletter

pytestmark = pytest.mark.django_db
Kind = Notice.Kind


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter()


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
