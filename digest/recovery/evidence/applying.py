"""What the log says about the time after the end of the data, and how it is applied to them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from digest.newsletters.models import Newsletter
from digest.recovery.evidence import log
from digest.selfservice import erasure
from digest.subscribers import consent, suppression
from digest.subscribers.errors import SubscriberError
from digest.subscribers.hashing import stored_forms
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription

VIA = "restore"  # of the consent events

Entry = dict[str, Any]


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
class Applied:
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
    """Return what the log has after `until`, the end of the data."""
    if until is None:
        return Evidence()
    last_events: dict[tuple[int, int], Entry] = {}
    suppressed: list[Entry] = []
    mails_by_issue: dict[int, int] = {}
    mails_by_slot: dict[tuple[int, datetime], int] = {}
    moment = None
    for entry in log.entries_since(until):
        moment = datetime.fromisoformat(entry["at"])
        if entry["event"] == "suppressed":
            suppressed.append(entry)
        elif entry["event"] == "sent":
            mails_by_issue[entry["issue"]] = entry["mails"]
            slot = datetime.fromisoformat(entry["slot"])
            mails_by_slot[entry["newsletter"], slot] = entry["mails"]
        else:
            last_events[entry["subscriber"], entry["newsletter"]] = entry
    unsubscribed = [
        entry
        for entry in last_events.values()
        if entry["event"] == ConsentEvent.Action.UNSUBSCRIBED
    ]
    return Evidence(unsubscribed, suppressed, mails_by_issue, mails_by_slot, moment)


@transaction.atomic
def apply_evidence(evidence: Evidence, now: datetime) -> Applied:
    """Unsubscribe, suppress and erase again whom the data do not know as such."""
    return Applied(
        sum(_unsubscribe(entry, now) for entry in evidence.unsubscribed),
        *_suppress(evidence.suppressed, now),
    )


def _unsubscribe(entry: Entry, now: datetime) -> bool:
    """Unsubscribe whom an entry names, unless another person has the id or they came back since."""
    subscription = (
        Subscription.objects.filter(
            subscriber=entry["subscriber"],
            newsletter=entry["newsletter"],
        )
        .select_related("subscriber")
        .first()
    )
    if subscription is None:
        return False
    confirmed_at, at = subscription.confirmed_at, datetime.fromisoformat(entry["at"])
    is_theirs = entry["address"] in stored_forms(subscription.subscriber.address_key)
    if not is_theirs or (confirmed_at and confirmed_at > at):
        return False
    try:
        return consent.unsubscribe(
            entry["subscriber"], entry["newsletter"], via=VIA, ip=None, now=now
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
        suppressed += suppression.suppress(
            subscriber.address_key if subscriber else entry["address"],
            reason=entry["reason"],
            newsletter=newsletters.get(newsletter_id),
            now=datetime.fromisoformat(entry["at"]),
        )
        if subscriber and entry["reason"] == suppression.ERASED:
            erased += erasure.erase(subscriber.pk, now)
    return suppressed, erased


def _matches(hashes: set[str]) -> Iterator[tuple[str, Subscriber]]:
    """Yield the subscribers whose address has one of these hashes: all have to be looked at."""
    if not hashes:
        return
    for subscriber in Subscriber.objects.only("pk", "address_key").iterator(chunk_size=5000):
        for form in hashes.intersection(stored_forms(subscriber.address_key)):
            yield form, subscriber
