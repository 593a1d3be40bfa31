"""A drop at a provider, from its replies over SMTP to the mail in an editor's mailbox."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from digest.accounts.models import User
from digest.bounces.models import DomainResult, Drop
from digest.core import clock
from digest.issues.models import Issue
from digest.notices import send
from digest.sending import sender
from digest.subscribers.models import Subscriber
from tests.cast import make_issue, make_running
from tests.sending.conftest import add_relay  # noqa: F401  a fixture
from tests.sending.relays import AddRelay, move_subscribers
from workers.tasks import delivery as jobs

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MAILS = 101


def replying(domain: str, reply: str) -> dict[str, Callable[[str], str | None]]:
    """Give every recipient at a domain this reply."""
    return {"rcpt": lambda address: reply if address.endswith(f"@{domain}") else None}


@pytest.fixture
def issue() -> Issue:
    """An issue to as many at Gmail that is due, after three that Gmail took."""
    issue = make_running(MAILS, slot=clock.now() - timedelta(hours=2))
    move_subscribers(issue, "gmail.com")
    Subscriber.objects.update(address_key=F("email"))
    for days in (1, 2, 3):
        earlier = make_issue(issue.newsletter, slot=issue.slot - days * DAY, state="sent")
        DomainResult.objects.create(
            issue=earlier,
            domain="gmail.com",
            sent=MAILS,
            deferred=0,
            refused=0,
            counted_at=clock.now(),
        )
    return issue


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail.",
        "451 4.7.28 Our system has detected an unusual rate of mail from your address.",
    ],
)
def test_editors_get_one_mail(add_relay: AddRelay, issue: Issue, reply: str) -> None:  # noqa: F811
    """Refused for our sake or put off, however often it is counted; by SMTP."""
    User.objects.create_superuser("ed@newsroom.example", "x")
    _, server = add_relay("main", replying("gmail.com", reply))
    sender.send_due()
    for _ in range(2):
        jobs.count_results()
        send.send_due()
    drop = Drop.objects.get()
    assert (drop.issue, drop.destination, drop.kind) == (issue, "gmail", "delivery")
    assert drop.share > 0.9
    mails = [mail.data for mail in server.received if mail.recipient == "ed@newsroom.example"]
    (data,) = [data for data in mails if b"Gmail" in data]
    text = data.replace(b"=\r\n", b"")
    assert b"refused or deferred" in text
    assert b"/admin/deliverability/" in text
