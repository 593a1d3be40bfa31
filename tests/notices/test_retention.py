"""Notices are deleted once they are over for long, and with their subscriber."""

from datetime import timedelta
from typing import Any

import pytest

from digest.notices import retention
from digest.notices.models import Notice
from digest.relays.models import Dispatch
from digest.selfservice import address_change
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_newsletter, make_subscriber
from tests.cast.notices import make_notice

pytestmark = pytest.mark.django_db
Kind, State = Notice.Kind, Dispatch.State
LONG_AGO = NOON - timedelta(days=91)


def notice(subscriber: Subscriber, **fields: Any) -> Notice:
    """A notice of long ago."""
    publication = subscriber.subscriptions.get().newsletter.publication
    return make_notice(publication, subscriber, **{"created_at": LONG_AGO} | fields)


def test_what_was_over_long_ago_goes() -> None:
    """Whatever became of it; what still waits, copies of issues and recent ones stay."""
    ines = make_subscriber(make_newsletter())
    for state in (State.SENT, State.FAILED, State.SUPPRESSED, State.CANCELLED, State.UNCERTAIN):
        notice(ines, state=state)
    staying = [
        notice(ines, state=State.QUEUED),
        notice(ines, state=State.DEFERRED),
        notice(ines, kind=Kind.COPY),
        notice(ines, created_at=NOON - timedelta(days=89)),
    ]
    assert retention.delete_old(NOON) == 5
    assert list(Notice.objects.order_by("pk")) == staying
    assert retention.delete_old(NOON) == 0


def test_an_erasure_takes_the_new_address_along() -> None:
    """A request to confirm a new address is the subscriber's, though it goes to another mailbox."""
    newsletter = make_newsletter()
    ines = make_subscriber(newsletter, email="ines@old.example")
    address_change.request_change(
        ines, newsletter.publication, "ines@new.example", ip="192.0.2.1", now=NOON
    )
    request = Notice.objects.get(email="ines@new.example")
    assert (request.kind, request.subscriber) == (Kind.CHANGE, ines)
    ines.delete()
    assert not Notice.objects.filter(email="ines@new.example").exists()
