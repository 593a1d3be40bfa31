"""Changes to many subscribers: previewed by the rule that they follow, made, stopped, undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Count

from digest.accounts.models import AuditEntry, User
from digest.bulk import previewing, running, selecting
from digest.bulk.errors import BulkError
from digest.bulk.models import BulkChange, BulkChunk, BulkItem
from digest.core.errors import DigestError
from digest.entitlements import reading, receiving
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.selfservice import erasure
from digest.subscribers import attributes, consent, profiles, suppression
from digest.subscribers.models import (
    Cohort,
    ConsentEvent,
    Growth,
    Profile,
    Subscriber,
    Subscription,
)
from tests.cast import NOON, make_member, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber, make_subscribers, make_subscription
from tests.entitlements.stripe_calls import ANA, checkout, make_account
from tests.entitlements.stripe_calls import subscription as stripe_subscription

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)
State = BulkChange.State


@pytest.fixture
def ada(tide: Newsletter) -> User:
    """The owner of the publication."""
    return make_member(tide.publication)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two subscribers to a chunk, so that a change has several."""
    monkeypatch.setattr(selecting, "CHUNK", 2)


def draft(tide: Newsletter, user: User, kind: str = "", **data: str) -> BulkChange:
    """A draft for every subscriber of the publication."""
    change = selecting.select(
        Subscriber.objects.all(), tide.publication, selection="All", user=user, now=NOON
    )
    if kind:
        previewing.choose(change, kind, data)
    return change


def run(change: BulkChange) -> BulkChange:
    """Begin a change, and let the job make all of it."""
    running.begin(change, NOON, entered=str(change.selected))
    running.run_chunks(NOON)
    change.refresh_from_db()
    return change


def undo(change: BulkChange) -> BulkChange:
    """Undo a change, all of it."""
    running.undo(change, LATER)
    running.run_chunks(LATER)
    change.refresh_from_db()
    return change


def tags_of(subscriber: Subscriber, tide: Newsletter) -> list[str]:
    """The tags that a subscriber has in the publication."""
    return profiles.profile_of(subscriber.pk, tide.publication_id).tags


def numbers(change: BulkChange) -> dict[str, str]:
    """The numbers of a preview, by reason."""
    preview = previewing.preview(change)
    return {row.reason: str(row.count) for row in (preview.changing, *preview.refused)}


def test_only_subscribers_of_the_publication_are_selected(tide: Newsletter, ada: User) -> None:
    """Whatever rows are given; in chunks, in the order of their ids. Nobody is no selection."""
    subscribers = [make_subscriber(tide) for _ in range(3)]
    make_subscriber(make_newsletter(slug="gazette", publication=make_publication(slug="gazette")))
    change = draft(tide, ada)
    chunks = list(change.chunks.order_by("pk").values_list("subscriber_ids", flat=True))
    assert [pk for ids in chunks for pk in ids] == [row.pk for row in subscribers]
    assert (change.selected, len(chunks)) == (3, 2)
    with pytest.raises(BulkError, match="Nobody is selected"):
        selecting.select(
            Subscriber.objects.none(), tide.publication, selection="", user=ada, now=NOON
        )
    assert BulkChange.objects.count() == 1, "no draft without subscribers stays"


def test_a_tag_is_added_and_the_preview_says_to_whom(tide: Newsletter, ada: User) -> None:
    """Who has it already stays as they are, also when it is undone."""
    first, second, third = (make_subscriber(tide) for _ in range(3))
    profiles.add_tag("vip", tide.publication_id, [first.pk])
    change = draft(tide, ada, "add-tag", tag=" VIP ")
    assert numbers(change) == {"": "2", "have the tag already": "1"}
    assert previewing.preview(change).changing.examples == [second.email, third.email]
    assert not Profile.objects.filter(subscriber=second).exists(), "a preview changes nothing"
    run(change)
    assert (change.state, change.changed) == (State.DONE, 2)
    assert change.reasons == {"have the tag already": 1}
    assert tags_of(second, tide) == ["vip"]
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.publication_id) == (ada, tide.publication_id)
    assert entry.action == "Add the tag “vip”: 2 of 3 subscribers changed"
    profiles.remove_tag("vip", tide.publication_id, [third.pk])
    undo(change)
    assert (change.state, change.restored) == (State.UNDONE, 1)
    assert [tags_of(row, tide) for row in (first, second, third)] == [["vip"], [], []]
    with pytest.raises(BulkError, match="cannot be undone any more"):
        running.undo(change, LATER)


def test_a_tag_is_removed_and_given_back(tide: Newsletter, ada: User) -> None:
    """To those who had it."""
    first, second = (make_subscriber(tide) for _ in range(2))
    profiles.add_tag("old", tide.publication_id, [first.pk])
    change = run(draft(tide, ada, "remove-tag", tag="old"))
    assert (change.changed, change.reasons) == (1, {"do not have the tag": 1})
    undo(change)
    assert [tags_of(row, tide) for row in (first, second)] == [["old"], []]


def test_an_attribute_is_set_and_each_gets_their_own_value_back(
    tide: Newsletter, ada: User
) -> None:
    """But for those whose value somebody changed since. A value of a wrong type is refused."""
    attributes.define(tide.publication, label="Age", kind="number", now=NOON)
    subscribers = [make_subscriber(tide) for _ in range(4)]
    for subscriber, age in zip(subscribers, ("40", "41", "", "50"), strict=True):
        profiles.set_attributes(subscriber.pk, tide.publication_id, {"age": age})

    def ages() -> list[Any]:
        return [
            profiles.profile_of(row.pk, tide.publication_id).attributes.get("age")
            for row in subscribers
        ]

    with pytest.raises(DigestError, match="Enter a number"):
        draft(tide, ada, "attribute", attribute="age", value="old")
    change = draft(tide, ada, "attribute", attribute="age", value="40")
    assert numbers(change) == {"": "3", "have this value already": "1"}
    run(change)
    assert ages() == [40, 40, 40, 40]
    profiles.set_attributes(subscribers[1].pk, tide.publication_id, {"age": 99})
    assert undo(change).restored == 2
    assert ages() == [40, 99, None, 50]


def test_a_removal_is_an_unsubscription_that_can_be_undone(tide: Newsletter, ada: User) -> None:
    """Nobody becomes active who was not, nor who wanted to leave meanwhile; growth stays true."""
    stays, leaves, blocked = (make_subscriber(tide) for _ in range(3))
    pending, former = (make_subscriber() for _ in range(2))
    make_subscription(pending, tide, state="pending", confirmed_at=None)
    make_subscription(former, tide, state="unsubscribed", unsubscribed_at=NOON)
    for subscriber in (stays, leaves, blocked):
        ConsentEvent.objects.create(
            subscriber=subscriber, newsletter=tide, action="confirmed", at=NOON, via="page"
        )
    change = draft(tide, ada, "remove", newsletter="tide")
    assert numbers(change) == {"": "3", "do not receive this newsletter": "2"}
    run(change)
    states = Subscription.objects.filter(newsletter=tide).values_list("state", flat=True)
    assert sorted(states) == ["pending", *["unsubscribed"] * 4]
    assert balance() == (0, 0)
    consent.unsubscribe(leaves.pk, tide.pk, via="page", ip=None, now=LATER)
    suppression.suppress(blocked.address_key, reason="complained", now=LATER)
    assert undo(change).restored == 1
    active = Subscription.objects.filter(newsletter=tide, state="active")
    assert [row.subscriber for row in active] == [stays]
    assert active.get().confirmed_at == NOON, "the consent is the one from before"
    assert balance() == (1, 1)
    last_event = ConsentEvent.objects.latest("pk")
    assert (last_event.subscriber, last_event.action, last_event.via) == (stays, "restored", "undo")


def balance() -> tuple[int, int]:
    """How many are subscribed by growth, and by cohorts."""
    growth = sum(row.joined - row.left for row in Growth.objects.all())
    cohorts = sum(-row.subscribers if row.left else row.subscribers for row in Cohort.objects.all())
    return growth, cohorts


def test_an_invitation_asks_and_activates_nobody(
    tide: Newsletter, ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    """Who receives it, waits, has left or is suppressed gets no mail; nobody gets two."""
    weekly = make_newsletter(slug="weekly", publication=tide.publication)
    invited, active, waiting, former, blocked = (make_subscriber(tide) for _ in range(5))
    make_subscription(active, weekly)
    make_subscription(waiting, weekly, state="pending", confirmed_at=None)
    make_subscription(former, weekly, state="unsubscribed", unsubscribed_at=NOON)
    suppression.suppress(blocked.address_key, reason="complained", newsletter=weekly, now=NOON)
    change = draft(tide, ada, "invite", newsletter="weekly")
    assert numbers(change)[""] == "1"
    run(change)
    assert change.changed == 1
    assert [row.email for row in Notice.objects.all()] == [invited.email]
    subscription = Subscription.objects.get(subscriber=invited, newsletter=weekly)
    assert subscription.state == "pending"
    assert not running.can_undo(change, LATER)
    repetition = run(draft(tide, ada, "invite", newsletter="weekly"))
    assert (repetition.changed, Notice.objects.count()) == (0, 1)


def test_a_pause_ends_no_longer_one(tide: Newsletter, ada: User) -> None:
    """And who paused again since keeps that."""
    first, second, third = (make_subscriber(tide) for _ in range(3))
    far, day = NOON + timedelta(days=300), (NOON + timedelta(days=30)).date()
    Subscription.objects.filter(subscriber=second).update(paused_until=far)
    with pytest.raises(BulkError, match="from tomorrow"):
        draft(tide, ada, "pause", until=NOON.date().isoformat())
    change = run(draft(tide, ada, "pause", until=day.isoformat()))
    assert change.changed == 2
    assert change.reasons == {"are paused for as long, or longer": 1}
    Subscription.objects.filter(subscriber=third).update(paused_until=far)
    assert undo(change).restored == 1
    pauses = Subscription.objects.order_by("subscriber").values_list("paused_until", flat=True)
    assert list(pauses) == [None, far, far]
    assert first.pk


def test_an_erasure_takes_the_number_and_leaves_shared_subscribers(
    tide: Newsletter, ada: User
) -> None:
    """Only keyed hashes stay, and nothing brings them back."""
    gazette = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    make_subscribers(tide, 3)
    shared = make_subscriber(tide)
    make_subscription(shared, gazette)
    payer = make_subscriber(tide, email=ANA)
    stripe = make_account(gazette.publication)
    for event in (checkout(), stripe_subscription()):
        receiving.apply(stripe, reading.read(event), NOON)
    change = draft(tide, ada, "erase")
    with pytest.raises(BulkError, match="Enter the number 5"):
        running.begin(change, NOON, entered="3")
    run(change)
    assert change.reasons == {"subscribe to another publication, or pay for it": 2}
    assert set(Subscriber.objects.all()) == {shared, payer}
    assert stripe.customers.get().tier == "paid"
    assert not running.can_undo(change, LATER)
    assert not BulkItem.objects.exists()


def test_a_change_can_be_stopped_and_what_was_done_undone(tide: Newsletter, ada: User) -> None:
    """No chunk follows the stop."""
    make_subscribers(tide, 6)
    change = draft(tide, ada, "add-tag", tag="vip")
    running.begin(change, NOON)
    assert running.run_chunks(NOON, most=1) == 1
    running.stop(change, NOON)
    assert running.run_chunks(NOON) == 0
    change.refresh_from_db()
    assert (change.state, change.changed) == (State.STOPPED, 2)
    assert undo(change).restored == 2
    assert not Profile.objects.filter(tags__contains=["vip"]).exists()


def test_a_chunk_whose_worker_died_is_taken_up(tide: Newsletter, ada: User) -> None:
    """Once its lease is over; each subscriber is counted once."""
    make_subscribers(tide, 3)
    change = draft(tide, ada, "add-tag", tag="vip")
    running.begin(change, NOON)
    BulkChunk.objects.update(lease_until=LATER)
    assert running.run_chunks(NOON) == 0
    assert running.run_chunks(LATER + timedelta(seconds=1)) == 2
    change.refresh_from_db()
    assert (change.state, change.changed) == (State.DONE, 3)


def test_a_change_that_has_become_impossible_stops_and_says_why(
    tide: Newsletter, ada: User
) -> None:
    """The attribute was deleted while it was being set."""
    attribute = attributes.define(tide.publication, label="City", kind="text", now=NOON)
    make_subscribers(tide, 4)
    change = draft(tide, ada, "attribute", attribute="city", value="Bergen")
    running.begin(change, NOON)
    running.run_chunks(NOON, most=1)
    attributes.delete(attribute)
    running.run_chunks(NOON)
    change.refresh_from_db()
    assert (change.state, change.note) == (State.STOPPED, "The attribute was deleted meanwhile.")


def test_a_change_begins_once(tide: Newsletter, ada: User) -> None:
    """However often the button is pressed; and nothing begins before it is chosen."""
    make_subscribers(tide, 2)
    change = draft(tide, ada)
    with pytest.raises(BulkError, match="Choose what to change"):
        running.begin(change, NOON)
    previewing.choose(change, "add-tag", {"tag": "vip"})
    running.begin(change, NOON)
    with pytest.raises(BulkError, match="has begun already"):
        running.begin(change, NOON)
    change.refresh_from_db()
    with pytest.raises(BulkError, match="has begun already"):
        previewing.choose(change, "add-tag", {"tag": "other"})


def test_what_undoing_needs_goes_with_its_time(tide: Newsletter, ada: User) -> None:
    """After a week the ids and values, with an erasure theirs at once; drafts after a day."""
    first, second = (make_subscriber(tide) for _ in range(2))
    change = run(draft(tide, ada, "add-tag", tag="vip"))
    erasure.erase(first.pk, NOON)
    assert [row.subscriber for row in BulkItem.objects.all()] == [second]
    unused = draft(tide, ada)
    running.run_due(NOON + timedelta(days=2))
    assert not BulkChange.objects.filter(pk=unused.pk).exists()
    assert running.can_undo(change, NOON + timedelta(days=6))
    running.run_due(NOON + timedelta(days=8))
    assert not BulkChunk.objects.exists()
    assert not running.can_undo(change, NOON + timedelta(days=8))
    assert BulkChange.objects.get().changed == 2, "the report stays"


def test_the_preview_of_many_is_about(
    tide: Newsletter, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample of the chunks is sorted, and the numbers say so."""
    monkeypatch.setattr(previewing, "SAMPLE", 10)
    make_subscribers(tide, 60)
    half = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True)[::2])
    profiles.add_tag("vip", tide.publication_id, half)
    change = draft(tide, ada, "add-tag", tag="vip")
    assert numbers(change) == {"": "about 30", "have the tag already": "about 30"}
    assert change.chunks.aggregate(number=Count("pk")) == {"number": 30}
