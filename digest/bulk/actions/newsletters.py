"""Invite many subscribers to another newsletter, or remove them from one.

Nobody becomes active who was not: who is invited gets the mail that asks to confirm, like anybody
who signs up. Who has left a newsletter is not asked, nor who receives nothing of the publication:
they have left it, or a stranger entered their address and they never confirmed.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from digest.bulk.actions.base import Action, Sorting, Values
from digest.bulk.errors import BulkError, InvalidChangeError
from digest.bulk.models import BulkChange, BulkChunk
from digest.core import addresses, clock
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.states import NewsletterState
from digest.notices.queue import DAILY_CONFIRMATIONS, at_daily_limit
from digest.selfservice import signups
from digest.subscribers.hashing import stored_forms
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.removing import remove_many, restore_many
from digest.subscribers.suppression import suppressions_for

VIA = "console"

State = Subscription.State


class _OfNewsletter(Action):
    """What both share."""

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:
        newsletter = publication.newsletters.filter(slug=data.get("newsletter", "")).first()
        if newsletter is None:
            raise InvalidChangeError("Choose a newsletter.")
        return {"newsletter": newsletter.pk}

    def _states(self, change: BulkChange, ids: Collection[int], *, locks: bool) -> dict[int, str]:
        rows = Subscription.objects.filter(
            newsletter=change.values["newsletter"], subscriber__in=ids
        )
        if locks:
            rows = rows.select_for_update().order_by("subscriber_id")
        return dict(rows.values_list("subscriber_id", "state"))


class Invite(_OfNewsletter):
    """Ask by mail to confirm a subscription to a newsletter."""

    right = Right.SEND
    can_undo = False
    sends_mail = True

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:
        values = super().read(publication, data)
        _refuse_closed(Newsletter.objects.get(pk=values["newsletter"]))
        return values

    warning = (
        "Each of them gets a mail that asks to confirm the subscription. Mails that were sent "
        "cannot be taken back."
    )

    def describe(self, change: BulkChange) -> str:
        return f"Invite to {_name(change)}"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, states = Sorting(), self._states(change, ids, locks=locks)
        subscribers = Subscriber.objects.in_bulk(list(ids))
        suppressed = _suppressed(change, subscribers.values())
        receiving = _receiving(change, ids)
        full = at_daily_limit([row.email for row in subscribers.values()], clock.now())
        for subscriber_id in ids:
            state = states.get(subscriber_id)
            if subscriber_id not in subscribers:
                sorting.refuse("are not subscribers any more", subscriber_id)
            elif state is not None:
                sorting.refuse(_NOT_INVITED[State(state)], subscriber_id)
            elif subscriber_id in suppressed:
                sorting.refuse("are suppressed", subscriber_id)
            elif subscriber_id not in receiving:
                sorting.refuse("receive nothing of this publication", subscriber_id)
            elif subscribers[subscriber_id].email in full:
                sorting.refuse(_HAD_ENOUGH, subscriber_id)
            else:
                sorting.changing[subscriber_id] = None
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:
        newsletter = _newsletter(change)
        _refuse_closed(newsletter)
        for subscriber in Subscriber.objects.filter(pk__in=ids).order_by("pk"):
            address = addresses.parse(subscriber.email)
            signups.invite(address, [newsletter], via=VIA, now=now, in_bulk=True)


class Remove(_OfNewsletter):
    """Unsubscribe from a newsletter."""

    def describe(self, change: BulkChange) -> str:
        return f"Remove from {_name(change)}"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        sorting, states = Sorting(), self._states(change, ids, locks=locks)
        for subscriber_id in ids:
            if states.get(subscriber_id) == State.ACTIVE:
                sorting.changing[subscriber_id] = None
            else:
                sorting.refuse("do not receive this newsletter", subscriber_id)
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:
        remove_many(change.values["newsletter"], ids, now)

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:
        newsletter_id, removed_at = chunk.change.values["newsletter"], chunk.settled_at
        assert removed_at is not None
        return len(restore_many(newsletter_id, before, removed_at, now))


_HAD_ENOUGH = (
    f"were asked to confirm something {DAILY_CONFIRMATIONS} times today: invite them tomorrow"
)
_NOT_INVITED = {
    State.ACTIVE: "receive this newsletter already",
    State.PENDING: "were asked to confirm already",
    State.UNSUBSCRIBED: "have unsubscribed: only they themselves can subscribe again",
}


def _newsletter(change: BulkChange) -> Newsletter:
    newsletters = Newsletter.objects.select_related("publication")
    newsletter = newsletters.filter(pk=change.values["newsletter"]).first()
    if newsletter is None:
        raise BulkError("The newsletter was deleted meanwhile.")
    return newsletter


def _name(change: BulkChange) -> str:
    newsletter = Newsletter.objects.filter(pk=change.values["newsletter"]).first()
    return newsletter.name if newsletter else "a newsletter that was deleted"


def _refuse_closed(newsletter: Newsletter) -> None:
    if newsletter.state == NewsletterState.CLOSED:
        raise BulkError(f"{newsletter.name} is closed: nobody can join it.")


def _receiving(change: BulkChange, ids: Collection[int]) -> set[int]:
    """Return the ids of those who receive a newsletter of the publication."""
    rows = Subscription.objects.filter(
        newsletter__publication=change.publication_id, state=State.ACTIVE, subscriber__in=ids
    )
    return set(rows.values_list("subscriber_id", flat=True))


def _suppressed(change: BulkChange, subscribers: Collection[Subscriber]) -> set[int]:
    """Return the ids of those whose address must not be mailed, or left before it came here."""
    forms = {form: row.pk for row in subscribers for form in stored_forms(row.address_key)}
    rows = suppressions_for(change.values["newsletter"]).filter(address_key__in=forms)
    return {forms[key] for key in rows.values_list("address_key", flat=True)}
