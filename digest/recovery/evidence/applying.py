"""What the log says about the time after the end of the data, and how it is applied to them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from digest.newsletters.models import Newsletter
from digest.recovery.evidence import log
from digest.recovery.evidence.recording import SETTLED
from digest.selfservice import erasure
from digest.subscribers import consent, suppression
from digest.subscribers.errors import SubscriberError
from digest.subscribers.hashing import stored_forms
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression

VIA = "restore"  # of the consent events

Entry = dict[str, Any]
Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What happened after the end of the data, as far as the log has it."""

    unsubscribed: list[Entry] = field(default_factory=list)
    suppressed: list[Entry] = field(default_factory=list)
    mails_by_issue: Mapping[int, int] = field(default_factory=dict)  # that had been sent
    mails_by_slot: Mapping[tuple[int, datetime], int] = field(default_factory=dict)
    until: datetime | None = None  # of the last entry

    @property
    def is_empty(self) -> bool:
        """Nobody has to be unsubscribed or suppressed again."""
        return not (self.unsubscribed or self.suppressed)


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """How many subscriptions and addresses were changed."""

    unsubscribed: int = 0
    suppressed: int = 0
    erased: int = 0

    @property
    def summary(self) -> str:
        """What was changed, in a sentence; empty if nothing was."""
        counts = (
            (self.unsubscribed, "unsubscribed again"),
            (self.suppressed, "suppressed again"),
            (self.erased, "erased again"),
        )
        named = ", ".join(f"{count:,} {label}" for count, label in counts if count)
        return f"By the log in the data folder: {named}." if named else ""


def read_evidence(until: datetime | None) -> Evidence:
    """Return what the log has after `until`, the end of the data, and they do not know.

    An event has the time at which its transaction did it, and is in the data if it was committed
    by then: so the log is read from some minutes before.
    """
    if until is None:
        return Evidence()
    overlap = (until - SETTLED, until)
    last_events: dict[tuple[int, int], Entry] = {}
    suppressed: list[Entry] = []
    mails_by_issue: dict[int, int] = {}
    mails_by_slot: dict[tuple[int, datetime], int] = {}
    moment = None
    for entry in log.entries_since(overlap[0]):
        moment = _moment(entry)
        if entry["event"] == "suppressed":
            suppressed.append(entry)
        elif entry["event"] == "sent":
            mails_by_issue[entry["issue"]] = entry["mails"]
            slot = datetime.fromisoformat(entry["slot"])
            mails_by_slot[entry["newsletter"], slot] = entry["mails"]
        else:
            last_events[entry["subscriber"], entry["newsletter"]] = entry
    return Evidence(
        _unknown_unsubscriptions(list(last_events.values()), overlap),
        _unknown_suppressions(suppressed, overlap),
        mails_by_issue,
        mails_by_slot,
        moment,
    )


def _unknown_unsubscriptions(entries: list[Entry], overlap: Period) -> list[Entry]:
    """Return the entries of unsubscriptions that the data do not have."""
    left = [entry for entry in entries if entry["event"] == ConsentEvent.Action.UNSUBSCRIBED]
    events = ConsentEvent.objects.filter(
        subscriber__in={entry["subscriber"] for entry in left},
        action=ConsentEvent.Action.UNSUBSCRIBED,
        at__range=overlap,
    )
    stored = set(events.values_list("subscriber_id", "newsletter_id", "at"))
    return [
        entry
        for entry in left
        if (entry["subscriber"], entry["newsletter"], _moment(entry)) not in stored
    ]


def _unknown_suppressions(entries: list[Entry], overlap: Period) -> list[Entry]:
    """Return the entries of suppressions and erasures that the data do not have."""
    if not entries:
        return []
    rows = Suppression.objects.filter(Q(created_at__range=overlap) | Q(erased_at__range=overlap))
    stored = {
        (form, row.newsletter_id, row.erased_at or row.created_at)
        for row in rows.iterator(chunk_size=5000)
        for form in stored_forms(row.address_key)
    }
    return [
        entry
        for entry in entries
        if (entry["address"], entry["newsletter"], _moment(entry)) not in stored
    ]


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry["at"])


@transaction.atomic
def apply_evidence(evidence: Evidence, now: datetime) -> ApplyResult:
    """Unsubscribe, suppress and erase again whom the data do not know as such."""
    unsubscribed, unknown = 0, []
    for entry in evidence.unsubscribed:
        if subscription := _subscription_of(entry):
            unsubscribed += _unsubscribe(subscription, entry, now)
        else:
            unknown.append(entry)
    removed, kept_out = _keep_out(unknown, now)
    suppressed, erased = _suppress(evidence.suppressed, now)
    return ApplyResult(unsubscribed + removed, suppressed + kept_out, erased)


def _subscription_of(entry: Entry) -> Subscription | None:
    """Return the subscription that an entry names, unless another person has the id."""
    rows = Subscription.objects.filter(
        subscriber=entry["subscriber"], newsletter=entry["newsletter"]
    )
    subscription = rows.select_related("subscriber").first()
    if subscription and entry["address"] in stored_forms(subscription.subscriber.address_key):
        return subscription
    return None


def _unsubscribe(subscription: Subscription, entry: Entry, now: datetime) -> bool:
    """Unsubscribe somebody, unless they came back since."""
    if subscription.confirmed_at and subscription.confirmed_at > _moment(entry):
        return False
    return _end(subscription, now)


def _keep_out(entries: list[Entry], now: datetime) -> tuple[int, int]:
    """Let nobody stay who left and is not in the data: they came, and left, after their end.

    The list that they came with is soon imported again. Who is in it by now is unsubscribed, the
    others are suppressed until they subscribe themselves. Returns how many of each.
    """
    unsubscribed = suppressed = 0
    subscribers = dict(_matches({entry["address"] for entry in entries}))
    newsletters = Newsletter.objects.in_bulk({entry["newsletter"] for entry in entries})
    for entry in entries:
        if (newsletter := newsletters.get(entry["newsletter"])) is None:
            continue  # it was made after the backup
        subscriber = subscribers.get(entry["address"])
        rows = Subscription.objects.filter(subscriber=subscriber, newsletter=newsletter)
        if subscriber is None or not (subscription := rows.first()):
            suppressed += suppression.suppress(
                entry["address"],
                reason=suppression.UNSUBSCRIBED,
                newsletter=newsletter,
                now=_moment(entry),
            )
        elif not _has_confirmed(subscription, _moment(entry)):
            unsubscribed += _end(subscription, now)
    return unsubscribed, suppressed


def _has_confirmed(subscription: Subscription, moment: datetime) -> bool:
    """Say whether a subscriber came back themselves after a moment: an import does not count."""
    return ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id,
        newsletter=subscription.newsletter_id,
        action__in=[ConsentEvent.Action.CONFIRMED, ConsentEvent.Action.RESTORED],
        at__gt=moment,
    ).exists()


def _end(subscription: Subscription, now: datetime) -> bool:
    try:
        return consent.unsubscribe(
            subscription.subscriber_id, subscription.newsletter_id, via=VIA, ip=None, now=now
        )
    except SubscriberError:
        return False


def _suppress(entries: list[Entry], now: datetime) -> tuple[int, int]:
    """Suppress addresses; return how many were suppressed, and how many subscribers erased."""
    suppressed = erased = 0
    subscribers = dict(_matches({entry["address"] for entry in entries}))
    newsletters = Newsletter.objects.in_bulk()
    for entry in entries:
        newsletter_id, subscriber = entry["newsletter"], subscribers.get(entry["address"])
        if newsletter_id is not None and newsletter_id not in newsletters:
            continue  # it was made after the backup
        has_returned = subscriber is not None and _has_returned(subscriber, _moment(entry))
        if has_returned and entry["reason"] == suppression.ERASED:
            continue
        suppressed += suppression.suppress(
            subscriber.address_key if subscriber else entry["address"],
            reason=entry["reason"],
            newsletter=newsletters.get(newsletter_id),
            now=_moment(entry),
        )
        if subscriber and entry.get("erased") and not has_returned:
            erased += erasure.erase(subscriber.pk, now)
    return suppressed, erased


def _has_returned(subscriber: Subscriber, moment: datetime) -> bool:
    """Return whether somebody signed up or confirmed after a moment."""
    confirmed = Subscription.objects.filter(subscriber=subscriber, confirmed_at__gt=moment)
    return subscriber.created_at > moment or confirmed.exists()


def _matches(hashes: set[str]) -> Iterator[tuple[str, Subscriber]]:
    """Yield the subscribers whose address has one of these hashes: all have to be looked at."""
    if not hashes:
        return
    for subscriber in Subscriber.objects.only("pk", "address_key", "created_at").iterator(
        chunk_size=5000
    ):
        for form in hashes.intersection(stored_forms(subscriber.address_key)):
            yield form, subscriber
