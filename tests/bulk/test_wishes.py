"""What subscribers want themselves counts for more than what an editor does to many of them."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.bulk import previewing, running
from digest.bulk.errors import BulkError
from digest.bulk.models import BulkChange
from digest.core import addresses
from digest.installation import holds
from digest.installation.models import Hold
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.selfservice import preferences as selfservice
from digest.selfservice import signups
from digest.subscribers import consent, preferences
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from tests.bulk.test_changes import ada, draft, run, undo
from tests.cast import (
    NOON,
    make_newsletter,
    make_subscriber,
    make_subscription,
)

__all__ = ["ada"]  # the fixture

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(minutes=10)
State = Subscription.State


@pytest.fixture
def weekly(tide: Newsletter) -> Newsletter:
    """Another newsletter of the publication."""
    return make_newsletter(slug="weekly", publication=tide.publication)


def states_of(subscriber: Subscriber) -> dict[str, str]:
    """The states of a subscriber's subscriptions by newsletter."""
    return dict(subscriber.subscriptions.values_list("newsletter__slug", "state"))


@pytest.mark.parametrize("state", ["live", "closed"])
def test_who_leaves_all_is_not_brought_back(
    tide: Newsletter, weekly: Newsletter, ada: User, state: str
) -> None:
    """Though the page of preferences does not offer what they were removed from."""
    subscriber = make_subscriber(tide)
    make_subscription(subscriber, weekly)
    pending = make_newsletter(slug="third", publication=tide.publication)
    make_subscription(subscriber, pending, state="pending", confirmed_at=None)
    change = run(draft(tide, ada, "remove", newsletter="tide"))
    Newsletter.objects.filter(pk=tide.pk).update(state=state)
    current = preferences.get_preferences(subscriber.pk, tide.publication_id, SOON)
    assert current
    selfservice.unsubscribe_from_all(current, ip=None, now=SOON)
    subscriber.refresh_from_db()
    assert subscriber.acted_at == SOON
    assert undo(change).restored == 0
    assert set(states_of(subscriber).values()) == {"unsubscribed"}
    events = ConsentEvent.objects.filter(subscriber=subscriber, via="preferences")
    assert {row.newsletter for row in events} == {weekly, pending}


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_a_request_of_anybody_hides_no_wish_to_leave(
    tide: Newsletter, ada: User, requests: int
) -> None:
    """Between the removal and the click on "Unsubscribe", however often it is asked."""
    subscriber, stays = make_subscriber(tide), make_subscriber(tide)
    change = run(draft(tide, ada, "remove", newsletter="tide"))
    for minutes in range(requests):
        signups.invite(
            addresses.parse(subscriber.email),
            [tide],
            via="page",
            now=NOON + timedelta(minutes=minutes + 1),
        )
    consent.unsubscribe(subscriber.pk, tide.pk, via="one-click", ip=None, now=SOON)
    assert undo(change).restored == 1
    assert states_of(subscriber) == {"tide": "unsubscribed"}
    assert states_of(stays) == {"tide": "active"}


def test_nobody_is_invited_who_receives_nothing(
    tide: Newsletter, weekly: Newsletter, ada: User
) -> None:
    """They left, or a stranger entered their address; and nobody joins a closed newsletter."""
    active, left, pending = make_subscriber(tide), make_subscriber(), make_subscriber()
    make_subscription(left, tide, state="unsubscribed", unsubscribed_at=NOON)
    make_subscription(pending, tide, state="pending", confirmed_at=None)
    change = run(draft(tide, ada, "invite", newsletter="weekly"))
    assert change.reasons == {"receive nothing of this publication": 2}
    notice = Notice.objects.get()
    assert (notice.email, notice.precedence) == (active.email, Notice.Precedence.IN_BULK)
    third = make_newsletter(slug="third", publication=tide.publication)
    prepared = draft(tide, ada, "invite", newsletter="third")
    Newsletter.objects.filter(pk=third.pk).update(state="closed")
    assert "is closed" in run(prepared).note
    with pytest.raises(BulkError, match="is closed"):
        draft(tide, ada, "invite", newsletter="third")
    assert Notice.objects.count() == 1


def test_a_pause_of_their_own_until_the_same_day_stays(tide: Newsletter, ada: User) -> None:
    """So does that of another change; the same day again is no longer pause."""
    own, other = make_subscriber(tide), make_subscriber(tide)
    day = (NOON + timedelta(days=30)).date().isoformat()
    change = run(draft(tide, ada, "pause", until=day))
    repetition = run(draft(tide, ada, "pause", until=day))
    assert (change.changed, repetition.changed) == (2, 0)
    current = preferences.get_preferences(own.pk, tide.publication_id, SOON)
    assert current
    selfservice.resume(current)
    selfservice.pause_until(current, day, SOON)
    assert run(draft(tide, ada, "pause", until=day)).changed == 0
    assert undo(change).restored == 1
    paused = Subscription.objects.filter(paused_until__isnull=False)
    assert [row.subscriber for row in paused] == [own]
    assert other.pk


@pytest.mark.parametrize(
    ("kind", "data"), [("erase", {}), ("add-tag", {"tag": "other"}), ("remove-tag", {"tag": "vip"})]
)
def test_what_was_swapped_after_its_check_is_not_done(
    tide: Newsletter, ada: User, kind: str, data: dict[str, str]
) -> None:
    """Another tab chose something else meanwhile."""
    subscriber = make_subscriber(tide)
    change = draft(tide, ada, "add-tag", tag="vip")
    previewing.choose(BulkChange.objects.get(pk=change.pk), kind, data)
    with pytest.raises(BulkError, match="prepared differently"):
        running.begin(change, NOON)
    change.refresh_from_db()
    assert (change.state, change.kind) == ("draft", kind)
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()


def test_whoever_was_asked_four_times_today_is_left_out(
    tide: Newsletter, weekly: Newsletter, ada: User
) -> None:
    """The preview says so; nobody waits for a mail that never comes."""
    subscriber = make_subscriber(tide)
    for number in range(4):
        other = make_newsletter(slug=f"other-{number}")
        address = addresses.parse(subscriber.email)
        now = NOON - timedelta(hours=10 - 2 * number)
        assert signups.invite(address, [other], via="page", now=now)
    change = draft(tide, ada, "invite", newsletter="weekly")
    preview = previewing.preview(change)
    assert "asked to confirm something 4 times today" in str(preview)
    run(change)
    assert states_of(subscriber).get("weekly") is None
    assert weekly.subscriptions.count() == 0


@pytest.mark.parametrize("is_released", [False, True])
def test_an_invitation_does_not_go_on_in_older_data(
    tide: Newsletter,
    weekly: Newsletter,
    ada: User,
    settings: Settings,
    tmp_path: Path,
    *,
    is_released: bool,
) -> None:
    """They do not know who was invited after they were saved, and would be invited twice."""
    settings.DIGEST_DATA_DIR = tmp_path
    for _ in range(3):
        make_subscriber(tide)
    change = draft(tide, ada, "invite", newsletter="weekly")
    tagging = draft(tide, ada, "add-tag", tag="vip")
    BulkChange.objects.update(state="running", begun_at=NOON)
    hold = holds.begin(Hold.Reason.RESTORED, SOON, data_until=NOON)
    if is_released:
        holds.release(hold, SOON)
    running.run_chunks(SOON)
    change.refresh_from_db()
    tagging.refresh_from_db()
    assert (change.state, tagging.state) == ("stopped", "done")
    assert "These data were restored" in change.note
    assert not Notice.objects.exists()
    assert not weekly.subscriptions.exists()


def test_an_invitation_goes_on_after_a_hold_that_somebody_asked_for(
    tide: Newsletter, weekly: Newsletter, ada: User, settings: Settings, tmp_path: Path
) -> None:
    """Nothing is missing then; so does one that began after older data were restored."""
    settings.DIGEST_DATA_DIR = tmp_path
    make_subscriber(tide)
    holds.release(holds.begin(Hold.Reason.RESTORED, NOON - timedelta(hours=1)), NOON)
    change = draft(tide, ada, "invite", newsletter="weekly")
    BulkChange.objects.update(state="running", begun_at=NOON)
    holds.begin(Hold.Reason.REQUESTED, SOON)
    running.run_chunks(SOON)
    change.refresh_from_db()
    assert (change.state, change.changed) == ("done", 1)
    assert weekly.subscriptions.count() == 1
