"""What a notice says is decided when it is sent: nobody is welcomed who has left."""

import pytest

from digest.notices import content
from digest.notices.models import Notice
from digest.notices.queue import queue_to_subscriber
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
