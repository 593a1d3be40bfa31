"""A winner that is decided while a sender is at work."""

from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from digest.accounts.models import User
from digest.analytics.experiments import deciding
from digest.core import clock
from digest.issues.experiments import variants
from digest.issues.models import Issue
from digest.sending import ledger, planning, sender
from digest.sending.claiming import Batch
from digest.sending.models import VariantChoice
from digest.subscribers.models import Subscriber
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
OTHER = "Forty seals, and counting"


def test_those_who_waited_get_the_winner_that_is_decided_during_their_claim(
    relay: Callable[..., SmtpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender had read a moment before that nothing was decided."""
    server, editor = relay(), User.objects.create_user("ed@courier.example")
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, uuid=UUID(int=16))
    make_story(issue)
    for number in range(40):
        make_subscriber(newsletter, uuid=UUID(int=number + 1))
    variants.save(issue, None, editor, subjects=[OTHER], share=50, minutes=60)
    planning.plan_built(clock.now())
    claim, claims = ledger.claim, count()

    def decide_and_claim(of: Issue, limit: int, now: datetime, *arguments: Any) -> Batch:
        if next(claims) == 1:  # the first one is of those who take part
            deciding.choose(of, 1, editor, now)
        return claim(of, limit, now, *arguments)

    monkeypatch.setattr(ledger, "claim", decide_and_claim)
    sender.send_due()
    waiting = VariantChoice.objects.filter(issue=issue, probability=1)
    addresses = set(
        Subscriber.objects.filter(pk__in=waiting.values("subscriber")).values_list(
            "email", flat=True
        )
    )
    subjects = [
        message_from_bytes(mail.data, policy=policy.default)["Subject"]
        for mail in server.received
        if mail.recipient in addresses
    ]
    assert len(server.received) == 40
    assert subjects == [OTHER] * len(addresses)
    assert len(addresses) > 5
