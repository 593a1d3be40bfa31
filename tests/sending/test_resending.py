"""Copies of an issue, for one subscriber."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.notices import send
from digest.notices.models import Notice
from digest.sending import planning, resending, sender
from digest.sending.errors import DeliveryError
from digest.sending.models import Delivery
from digest.subscribers import consent
from digest.subscribers.models import Subscriber
from digest.subscribers.suppression import suppress
from tests.cast import NOON, make_issue, make_running, make_subscriber
from tests.concurrency import run_at_once
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def relay(settings: Settings) -> Iterator[SmtpServer]:
    """Return a relay that accepts everything."""
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        yield server


@pytest.fixture
def issue() -> Issue:
    """Make an issue that is being sent to two subscribers."""
    return make_running(2)


def mails(relay: SmtpServer) -> list[EmailMessage]:
    """What arrived."""
    return [message_from_bytes(mail.data, policy=policy.default) for mail in relay.received]


def test_a_copy_is_the_same_mail_with_its_own_message_id(relay: SmtpServer, issue: Issue) -> None:
    """Only to that subscriber; their delivery stays as it was, and they can unsubscribe by it."""
    sender.send_due()
    before = list(Delivery.objects.order_by("pk").values())
    subscriber = Subscriber.objects.earliest("pk")
    resending.send_copy(issue, subscriber, NOON)
    send.send_due()
    [first] = [mail for mail in mails(relay)[:2] if mail["To"] == subscriber.email]
    assert len(relay.received) == 3
    copy = mails(relay)[2]
    assert copy["To"] == subscriber.email
    assert copy["Subject"] == first["Subject"]
    assert copy["Message-ID"] != first["Message-ID"]
    assert copy["List-Unsubscribe"] == first["List-Unsubscribe"]
    assert list(Delivery.objects.order_by("pk").values()) == before
    notice = Notice.objects.get()
    assert (notice.kind, notice.state, notice.reply_code) == ("copy", Notice.State.SENT, 250)


def test_pressing_twice_sends_once(relay: SmtpServer, issue: Issue) -> None:
    """Within the hour it says when the copy went."""
    subscriber = Subscriber.objects.earliest("pk")
    resending.send_copy(issue, subscriber, NOON)
    with pytest.raises(DeliveryError, match="A copy went to"):
        resending.send_copy(issue, subscriber, NOON + HOUR / 2)
    resending.send_copy(issue, subscriber, NOON + 2 * HOUR)
    assert Notice.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_pressing_at_once_sends_once(issue: Issue) -> None:
    """In two tabs, or twice before there is an answer."""
    subscriber = Subscriber.objects.earliest("pk")

    def press() -> bool:
        try:
            return resending.send_copy(issue, subscriber, NOON) is not None
        except DeliveryError:
            return False

    assert sorted(run_at_once(press, press, press)) == [False, False, True]
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("moment", ["before", "between"])
@pytest.mark.parametrize("policy", ["left", "suppressed"])
def test_excluded_subscribers_get_no_copy(
    relay: SmtpServer, issue: Issue, policy: str, moment: str
) -> None:
    """Nor one that was asked for before they left."""
    subscriber = Subscriber.objects.earliest("pk")
    if moment == "between":
        resending.send_copy(issue, subscriber, NOON)
    if policy == "left":
        consent.unsubscribe(subscriber.pk, issue.newsletter_id, via="page", ip=None, now=NOON)
    else:
        suppress(subscriber.address_key, reason="complaint", now=NOON)
    if moment == "before":
        with pytest.raises(DeliveryError, match="No copy was sent"):
            resending.send_copy(issue, subscriber, NOON)
    send.send_due()
    assert relay.received == []


def test_an_issue_that_is_not_out_has_no_copies() -> None:
    """A draft, or one that waits for its slot."""
    issue = make_issue(state="draft")
    subscriber = make_subscriber(issue.newsletter)
    with pytest.raises(DeliveryError, match="not gone out"):
        resending.send_copy(issue, subscriber, NOON)
    Issue.objects.update(state="built")
    issue.refresh_from_db()
    with pytest.raises(DeliveryError, match="not gone out"):
        resending.send_copy(issue, subscriber, NOON)
    assert planning.plan_built(NOON) is not None
