"""What a notice says is decided when it is sent: nobody is welcomed who has left."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from digest.accounts.models import User
from digest.newsletters.models import Newsletter
from digest.notices import content
from digest.notices.models import Notice
from digest.notices.queue import queue_notice, queue_to_subscriber
from digest.rendering import letters
from digest.rendering.cleaned import LONGEST_SUBJECT
from digest.rendering.notice import Addressee, Masthead, compose
from digest.subscribers import consent
from tests.cast import NOON, make_newsletter, make_subscriber, make_subscription

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", [Notice.Kind.WELCOME, Notice.Kind.STAY])
def test_who_has_left_gets_no_letter_about_a_newsletter(kind: Notice.Kind) -> None:
    """One that is still received is named; none is left, so nothing is sent."""
    tide = make_newsletter(name="The Tide")
    evening = make_newsletter(name="Evening Note", publication=tide.publication)
    subscriber = make_subscriber(tide)
    make_subscription(subscriber, evening)
    notice = queue_to_subscriber(kind, tide, subscriber, NOON, newsletters=[tide.pk, evening.pk])
    assert notice is not None
    consent.unsubscribe(subscriber.pk, tide.pk, via="page", ip=None, now=NOON)
    letter = content.write_letter(notice, NOON)
    assert letter is not None
    assert "The Tide" not in repr(letter.letter)
    assert "Evening Note" in repr(letter.letter)
    consent.unsubscribe(subscriber.pk, evening.pk, via="page", ip=None, now=NOON)
    assert content.write_letter(notice, NOON) is None


@pytest.mark.parametrize(
    ("account", "requested", "is_sent"),
    [
        ("ada@courier.example", "Ada@Courier.example", True),
        ("ada@k\u0131ta.example", "ada@k\u0131ta.example", True),
        ("ada@k\u0131ta.example", "ada@kita.example", False),
        ("ada@kita.example", "ada@k\u0131ta.example", False),
    ],
)
def test_a_password_reset_goes_to_the_domain_of_the_account(
    account: str,
    requested: str,
    is_sent: bool,  # noqa: FBT001
) -> None:
    """Not to another that PostgreSQL takes for the same: a dotless i is an i in upper case."""
    User.objects.create_user(account)
    assert User.objects.filter(email__iexact=requested).exists()
    notice = queue_notice(
        Notice.Kind.ACCOUNT,
        make_newsletter().publication,
        email=requested,
        now=NOON,
        context={"forgotten": True},
    )
    assert notice is not None
    assert (content.write_letter(notice, NOON) is not None) == is_sent


def test_a_notice_for_many_newsletters_of_a_site_beyond_ascii() -> None:
    """The subject is not a page long, and the host of the site is one that all programs find."""
    newsletter = make_newsletter()
    newsletter.publication.url = "https://m\u00fcnchen.example/"
    names = [Newsletter(name=f"Newsletter {number} of the Courier") for number in range(40)]
    letter = letters.confirm(names, newsletter.publication, "en")
    links = {letters.CONFIRM: "https://digest.example/confirm/x"}
    addressee = Addressee("ada@reader.example", "1@courier.example", NOON, links)
    raw = compose(letter, Masthead.of(newsletter.publication), addressee)
    mail = message_from_bytes(raw, _class=EmailMessage, policy=default)
    assert mail["Subject"].startswith("Confirm your subscription to Newsletter 0")
    assert mail["Subject"].endswith("…")
    assert len(mail["Subject"]) <= LONGEST_SUBJECT
    html = mail.get_body(("html",))
    assert html is not None
    assert 'href="https://xn--mnchen-3ya.example/"' in html.get_content()
