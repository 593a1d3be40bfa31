"""Subscribers come, confirm and leave."""

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from digest.core import addresses
from digest.newsletters.models import Newsletter
from digest.notices.content import CONFIRM_LASTS
from digest.subscribers import signups
from digest.subscribers.consent import confirm, resubscribe, subscribe, unsubscribe
from digest.subscribers.erasure import erase_subscriber
from digest.subscribers.errors import (
    AddressSuppressedError,
    SubscriberError,
    UnsubscribedError,
)
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from digest.subscribers.suppression import is_suppressed, lift, suppress
from tests.cast import NOON, make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db

INES = addresses.parse("Ines@Reader.example")
LATER = NOON + timedelta(days=1)


def subscribe_ines(
    newsletter: Newsletter,
    *,
    confirmed: bool = True,
    allow_resubscribe: bool = False,
    now: datetime = NOON,
) -> Subscription:
    """Ines asks on the page."""
    return subscribe(
        INES,
        newsletter,
        via="page",
        confirmed=confirmed,
        wording="Yes, send me the Tide.",
        ip="192.0.2.7",
        name="Ines",
        allow_resubscribe=allow_resubscribe,
        now=now,
    )


def actions() -> list[str]:
    """What has been recorded, in order."""
    return list(ConsentEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_confirmed_subscriber_is_active_and_the_wording_is_kept() -> None:
    """State and evidence are stored together."""
    subscription = subscribe_ines(make_newsletter())
    assert (subscription.state, subscription.confirmed_at) == ("active", NOON)
    event = ConsentEvent.objects.get()
    assert (event.action, event.wording, event.ip) == (
        "confirmed",
        "Yes, send me the Tide.",
        "192.0.2.7",
    )
    assert Subscriber.objects.get().name == "Ines"


def test_an_unconfirmed_subscriber_waits_and_confirming_makes_them_active_once() -> None:
    """Only the first confirmation changes anything."""
    subscription = subscribe_ines(make_newsletter(), confirmed=False)
    assert subscription.state == Subscription.State.PENDING
    ids = (subscription.subscriber_id, subscription.newsletter_id)
    assert confirm(*ids, via="page", ip=None, now=LATER)
    assert not confirm(*ids, via="page", ip=None, now=LATER)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.confirmed_at) == ("active", LATER)
    assert actions() == ["requested", "confirmed"]


def test_asking_twice_is_asking_once() -> None:
    """The same wish adds no row and no event, in whatever case the address is typed."""
    newsletter = make_newsletter()
    assert subscribe_ines(newsletter) == subscribe_ines(newsletter)
    assert subscribe_ines(newsletter, confirmed=False).state == Subscription.State.ACTIVE
    assert actions() == ["confirmed"]


def test_a_pending_subscription_that_is_requested_again_waits_again() -> None:
    """The new mail says how long its link is valid: the subscription must be there as long."""
    newsletter = make_newsletter()
    subscription = subscribe_ines(newsletter, confirmed=False)
    later = NOON + signups.KEEP_UNCONFIRMED - timedelta(days=1)
    subscribe_ines(newsletter, confirmed=False, now=later)
    assert signups.delete_unconfirmed(later + CONFIRM_LASTS) == 0
    ids = (subscription.subscriber_id, newsletter.pk)
    assert confirm(*ids, via="page", ip=None, now=later + CONFIRM_LASTS, requested_at=later)
    subscribe_ines(newsletter, confirmed=False, now=LATER)
    assert Subscription.objects.get().created_at == later, "an active one keeps its time"


def test_leaving_twice_is_leaving_once() -> None:
    """RFC 8058's POST may come again; only the first records anything."""
    subscription = subscribe_ines(make_newsletter())
    ids = (subscription.subscriber_id, subscription.newsletter_id)
    assert unsubscribe(*ids, via="one-click", ip="192.0.2.7", now=LATER)
    assert not unsubscribe(*ids, via="one-click", ip="192.0.2.7", now=LATER)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.unsubscribed_at) == ("unsubscribed", LATER)
    assert actions() == ["confirmed", "unsubscribed"]


def test_who_has_left_comes_back_only_by_their_own_wish() -> None:
    """Neither a request nor an old confirmation link brings a subscriber back; `again` does."""
    newsletter = make_newsletter()
    subscription = subscribe_ines(newsletter)
    ids = (subscription.subscriber_id, subscription.newsletter_id)
    unsubscribe(*ids, via="page", ip=None, now=NOON)
    with pytest.raises(UnsubscribedError):
        subscribe_ines(newsletter)
    with pytest.raises(UnsubscribedError):
        confirm(*ids, via="page", ip=None, now=NOON)
    back = subscribe_ines(newsletter, allow_resubscribe=True)
    assert (back.state, back.unsubscribed_at) == ("active", None)


@pytest.mark.parametrize("confirmed", [True, False])
def test_who_was_erased_comes_back_only_by_their_own_wish(*, confirmed: bool) -> None:
    """Another system that still has the address does not bring them back, whatever it confirms."""
    newsletter = make_newsletter()
    erase_subscriber(subscribe_ines(newsletter).subscriber, NOON)
    with pytest.raises(UnsubscribedError, match="erased"):
        subscribe_ines(newsletter, confirmed=confirmed)
    assert not Subscriber.objects.exists()
    pending = subscribe_ines(newsletter, confirmed=False, allow_resubscribe=True)
    with pytest.raises(UnsubscribedError, match="erased"):
        subscribe_ines(newsletter)
    confirm(pending.subscriber_id, newsletter.pk, via="page", ip=None, now=LATER)
    assert subscribe_ines(newsletter).state == Subscription.State.ACTIVE


def test_a_suppressed_address_is_refused_and_leaves_no_trace() -> None:
    """A refusal stores no subscriber."""
    newsletter = make_newsletter()
    suppress(INES.key, reason="complaint", now=NOON)
    with pytest.raises(AddressSuppressedError, match="cannot send"):
        subscribe_ines(newsletter)
    assert not Subscriber.objects.exists()
    assert actions() == []


def test_unknown_ids_are_refused() -> None:
    """A subscriber who never asked cannot leave or confirm."""
    newsletter, subscriber = make_newsletter(), make_subscriber()
    for pair in [(subscriber.pk, newsletter.pk), (subscriber.pk, 0), (0, newsletter.pk)]:
        with pytest.raises(SubscriberError, match="no subscription"):
            unsubscribe(*pair, via="page", ip=None, now=NOON)
        with pytest.raises(SubscriberError, match="no subscription"):
            confirm(*pair, via="page", ip=None, now=NOON)


def test_consent_events_cannot_be_changed() -> None:
    """Neither through the model nor in SQL; erasing the subscriber takes them along."""
    subscribe_ines(make_newsletter())
    event = ConsentEvent.objects.get()
    with pytest.raises(SubscriberError):
        event.save()
    with pytest.raises(SubscriberError):
        event.delete()
    with pytest.raises(SubscriberError):
        ConsentEvent.objects.all().delete()
    with pytest.raises(SubscriberError):
        ConsentEvent.objects.update(ip=None)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE subscribers_consentevent SET wording = 'none'")
    Subscriber.objects.get().delete()
    assert actions() == []


def test_an_address_too_long_for_its_column_is_refused() -> None:
    """Folding lengthens some addresses past what is stored; that is said, not crashed on."""
    label = "ß" * 50
    address = addresses.Address(email=f"a@{label}.de", key="s" * 400 + "@b.de", domain="b.de")
    with pytest.raises(SubscriberError, match="too long"):
        subscribe(address, make_newsletter(), via="page", confirmed=True, wording="", now=NOON)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Ines\r\nBcc: e@e", "Ines Bcc: e@e"),
        ("In\x00es", "Ines"),
        ("Ines\u2028Marsh", "Ines Marsh"),
        ("\u202eseni", "seni"),
        ("  Ines   Marsh ", "Ines Marsh"),
        ("n" * 300, "n" * 200),
    ],
)
def test_names_are_made_safe(text: str, stored: str) -> None:
    """No line end, control or direction override survives in a name."""
    subscribe(INES, make_newsletter(), via="page", confirmed=True, wording="", name=text, now=NOON)
    assert Subscriber.objects.get().name == stored


def test_suppressions_hold_for_one_newsletter_or_for_all() -> None:
    """Suppressing is idempotent; lifting takes back exactly what it names."""
    newsletter, other = make_newsletter(), make_newsletter()
    assert suppress(INES.key, reason="complaint", newsletter=newsletter, now=NOON)
    assert not suppress(INES.key, reason="again", newsletter=newsletter, now=NOON)
    assert is_suppressed(INES.key, newsletter.pk)
    assert not is_suppressed(INES.key, other.pk)
    assert suppress(INES.key, reason="bounce", now=NOON)
    assert is_suppressed(INES.key, other.pk)
    assert lift(INES.key)
    assert not lift(INES.key)
    assert is_suppressed(INES.key, newsletter.pk)
    assert not is_suppressed(INES.key, other.pk)


@pytest.mark.parametrize("way", ["page", "preferences", "undo"])
def test_who_comes_back_is_not_paused_by_what_was_before(way: str) -> None:
    """Or a welcome would promise mails that do not come for years; undoing leaves all as it was."""
    newsletter = make_newsletter()
    ines = subscribe_ines(newsletter).subscriber
    until = NOON + timedelta(days=3650)
    Subscription.objects.update(paused_until=until)
    unsubscribe(ines.pk, newsletter.pk, via="page", ip=None, now=LATER)
    if way == "page":
        subscribe_ines(newsletter, confirmed=False, allow_resubscribe=True, now=LATER)
        confirm(ines.pk, newsletter.pk, via="link", ip=None, requested_at=LATER, now=LATER)
    else:
        assert resubscribe(ines.pk, newsletter.pk, via=way, ip=None, now=LATER)
    subscription = Subscription.objects.get()
    assert subscription.state == "active"
    assert subscription.paused_until == (until if way == "undo" else None)
