"""Leaving by the link in a mail, as RFC 8058 asks."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from digest.core import clock
from digest.core.links import NOBODY, Row, sign_rows, unsubscribe_token
from digest.newsletters.models import Newsletter
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, UnsubscribeFeedback
from digest.subscribers.suppression import BOUNCED, suppress
from tests.cast import make_newsletter, make_subscriber, make_subscription

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def subscriber(newsletter: Newsletter) -> Subscriber:
    """A subscriber of it."""
    return make_subscriber(newsletter)


@pytest.fixture
def strict() -> Client:
    """A client that sends no cookies and is held to CSRF."""
    return Client(enforce_csrf_checks=True)


def address(subscriber: Subscriber, newsletter: Newsletter) -> str:
    """The path of the link in a mail."""
    return f"/unsubscribe/{unsubscribe_token(subscriber, newsletter, 7)}"


def state(subscriber: Subscriber) -> str:
    """Where the subscriber stands."""
    return Subscription.objects.get(subscriber=subscriber).state


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, method: str
) -> None:
    """Mail scanners open every link: GET and HEAD leave the subscriber subscribed."""
    answer = getattr(strict, method)(address(subscriber, newsletter))
    assert answer.status_code == 200
    assert state(subscriber) == "active"
    assert not ConsentEvent.objects.exists()


def test_page_asks_with_one_button(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """A person sees which newsletter it is and one button."""
    page = strict.get(address(subscriber, newsletter)).content.decode()
    assert "Unsubscribe from The Morning Tide?" in page
    assert page.count("<button>") == 1
    assert "<script" not in page


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=b",
            b"\r\n".join(
                [
                    b"--b",
                    b'Content-Disposition: form-data; name="List-Unsubscribe"',
                    b"",
                    b"One-Click",
                    b"--b--",
                    b"",
                ]
            ),
        ),
    ],
)
def test_one_click_leaves_at_once(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, kind: str, body: bytes
) -> None:
    """A mail program's POST, without a cookie, is enough; it gets 200 and no redirect or cookie."""
    answer = strict.generic("POST", address(subscriber, newsletter), body, content_type=kind)
    assert answer.status_code == 200
    assert not answer.cookies
    assert state(subscriber) == "unsubscribed"
    event = ConsentEvent.objects.get(subscriber=subscriber)
    assert (event.action, event.via, event.ip) == ("unsubscribed", "one-click", "127.0.0.1")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "text/plain", "multipart/form-data; boundary=b"]
)
def test_unreadable_body_is_still_a_wish(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, kind: str
) -> None:
    """A POST whose body nobody can read unsubscribes too."""
    answer = strict.generic("POST", address(subscriber, newsletter), b"\xff\x00", content_type=kind)
    assert answer.status_code == 200
    assert state(subscriber) == "unsubscribed"


def test_person_is_told_what_happened(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """The button's POST answers with a page that names the newsletter."""
    page = strict.post(address(subscriber, newsletter)).content.decode()
    assert "You will no longer receive The Morning Tide." in page
    assert ConsentEvent.objects.get(subscriber=subscriber).via == "page"


def test_leaving_twice_is_one_event(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """The second POST answers the same and records nothing."""
    for _ in range(2):
        answer = strict.post(address(subscriber, newsletter), ONE_CLICK)
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.content.decode()
    assert ConsentEvent.objects.count() == 1


def test_page_after_leaving_says_so(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """Opening the link again later offers no button."""
    strict.post(address(subscriber, newsletter), ONE_CLICK)
    page = strict.get(address(subscriber, newsletter)).content.decode()
    assert "You are already unsubscribed" in page
    assert "<button>" not in page


def test_other_newsletters_stay(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """Leaving one newsletter leaves the others alone."""
    other = make_newsletter()
    make_subscription(subscriber, other)
    strict.post(address(subscriber, newsletter), ONE_CLICK)
    assert Subscription.objects.get(subscriber=subscriber, newsletter=other).state == "active"


@pytest.mark.parametrize("method", ["get", "post"])
def test_test_mails_have_nothing_to_leave(
    strict: Client, newsletter: Newsletter, method: str
) -> None:
    """The link of a test mail says that it was one."""
    token = unsubscribe_token(NOBODY, newsletter)
    answer = getattr(strict, method)(f"/unsubscribe/{token}")
    assert answer.status_code == 200
    assert "This was a test email" in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_erased_subscriber_gets_a_kind_word(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, method: str
) -> None:
    """A link that outlived its subscriber answers 200: whoever holds it is not subscribed."""
    link = address(subscriber, newsletter)
    Subscription.objects.all().delete()
    answer = getattr(strict, method)(link)
    assert answer.status_code == 200
    assert "You are not subscribed" in answer.content.decode()


def test_deleted_newsletter_gets_a_kind_word(strict: Client) -> None:
    """A link that outlived its newsletter is answered without its name."""
    rows = Row(5, uuid4()), Row(10**9, uuid4())
    answer = strict.post(f"/unsubscribe/{unsubscribe_token(*rows)}")
    assert answer.status_code == 200
    assert "You do not receive this newsletter." in answer.content.decode()


@pytest.mark.parametrize("spoil", ["flipped", "short", "purpose", "junk", "unicode"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_bad_tokens_change_nothing(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, spoil: str, method: str
) -> None:
    """A damaged token, or one made for another purpose, is a kind 404."""
    good = address(subscriber, newsletter).rpartition("/")[2]
    token = {
        "flipped": ("B" if good[0] == "A" else "A") + good[1:],
        "short": good[:-1],
        "purpose": sign_rows("confirm", subscriber, newsletter),
        "junk": "%00%0d%0a",
        "unicode": "é" * 20,
    }[spoil]
    answer = getattr(strict, method)(f"/unsubscribe/{token}")
    assert answer.status_code == 404
    assert "This link is not valid" in answer.content.decode()
    assert state(subscriber) == "active"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_no_other_method(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter, method: str
) -> None:
    """Only GET, HEAD and POST are understood."""
    assert getattr(strict, method)(address(subscriber, newsletter)).status_code == 405


def form(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form on a page that does this."""
    for text in page.split("<form")[1:]:
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text.partition("</form>")[0]))
        if fields.get("action") == action:
            return fields
    raise AssertionError(f"no form for {action}")


def test_leaving_can_be_taken_back_from_that_page(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """Undo brings the subscriber back; the bare link does not."""
    link = address(subscriber, newsletter)
    page = strict.post(link).content.decode()
    strict.post(link, {"action": "resubscribe"})
    assert state(subscriber) == "unsubscribed"
    back = strict.post(link, form(page, "resubscribe")).content.decode()
    assert "You are subscribed again" in back
    assert state(subscriber) == "active"
    strict.post(link)
    strict.post(link, form(page, "resubscribe"))
    assert state(subscriber) == "unsubscribed", "one leaving's undo is not another's"


@pytest.mark.parametrize("action", ["resubscribe", "less-often"])
def test_a_suppressed_address_cannot_be_resubscribed(strict: Client, action: str) -> None:
    """A bounce may come right after leaving: the page says that we cannot send, and why."""
    newsletter = make_newsletter(cadences=["weekly"])
    subscriber = make_subscriber(newsletter)
    link = address(subscriber, newsletter)
    page = strict.post(link).content.decode()
    suppress(subscriber.address_key, reason=BOUNCED, now=clock.now())
    answer = strict.post(link, form(page, action))
    assert answer.status_code == 200
    assert "We cannot send email to your address" in answer.content.decode()
    assert ">Resubscribe<" not in answer.content.decode()
    assert state(subscriber) == "unsubscribed"


def test_less_often_is_offered_instead(strict: Client) -> None:
    """Before leaving and right after it, where the newsletter offers it."""
    newsletter = make_newsletter(cadences=["weekly"])
    subscriber = make_subscriber(newsletter)
    link = address(subscriber, newsletter)
    page = strict.get(link).content.decode()
    strict.post(link, form(page, "less-often"))
    assert (state(subscriber), Subscription.objects.get().cadence) == ("active", "weekly")
    Subscription.objects.update(cadence="every")
    page = strict.post(link).content.decode()
    strict.post(link, form(page, "less-often"))
    assert (state(subscriber), Subscription.objects.get().cadence) == ("active", "weekly")


def test_a_reason_is_optional_and_kept(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """Result twice it is replaced; rubbish is none, and undoes nothing."""
    link = address(subscriber, newsletter)
    strict.post(link)
    for comment in ("Too much", "Far too much \x00\u202e"):
        sent = {"action": "feedback", "reason": "too often", "comment": comment}
        assert b"Thank you for your feedback" in strict.post(link, sent).content
    strict.post(link, {"action": "feedback", "reason": "x" * 99})
    assert list(UnsubscribeFeedback.objects.values_list("reason", "comment")) == [
        ("too often", "Far too much")
    ]
    assert state(subscriber) == "unsubscribed"


def test_everything_of_the_publication_can_be_left(
    strict: Client, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    """With one more press; another publication's newsletters stay."""
    other_newsletters = [make_newsletter(publication=newsletter.publication), make_newsletter()]
    for other in other_newsletters:
        make_subscription(subscriber, other)
    link = address(subscriber, newsletter)
    strict.post(link, form(strict.get(link).content.decode(), "unsubscribe-all"))
    states = dict(Subscription.objects.values_list("newsletter", "state"))
    assert states[newsletter.pk] == states[other_newsletters[0].pk] == "unsubscribed"
    assert states[other_newsletters[1].pk] == "active"


def test_no_test_link_leaves_everything(strict: Client, newsletter: Newsletter) -> None:
    """A test mail's link has no subscriber, whatever is posted to it."""
    token = unsubscribe_token(NOBODY, newsletter)
    for action in ("unsubscribe-all", "feedback", "resubscribe", "less-often", "leave"):
        answer = strict.post(f"/unsubscribe/{token}", {"action": action, "reason": "other"})
        assert b"This was a test email" in answer.content
