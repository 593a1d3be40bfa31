"""What an action on many subscribers answers: whom it changes, whom not and why; and how."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from digest.bulk.models import BulkChange, BulkChunk
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.subscribers.models import Subscription

Values = dict[str, Any]


@dataclass(slots=True)
class Sorting:
    """Whom an action changes, with what they have before it; and whom not, by the reason."""

    changing: dict[int, Any] = field(default_factory=dict)  # subscriber ids
    refused: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, reason: str, subscriber_id: int) -> None:
        """Leave a subscriber out; the reason completes "subscribers who"."""
        self.refused.setdefault(reason, []).append(subscriber_id)


class Action(ABC):
    """Something that can be done to many subscribers of a publication."""

    right: ClassVar[Right] = Right.SUBSCRIBERS
    can_undo: ClassVar[bool] = True
    is_atomic: ClassVar[bool] = True  # one transaction changes a chunk
    sends_mail: ClassVar[bool] = False
    warning: ClassVar[str] = ""  # before it begins

    @abstractmethod
    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:
        """Return what a form says of it, as it is stored; raise DigestError for what cannot be."""

    @abstractmethod
    def describe(self, change: BulkChange) -> str:
        """Return what it does, in the imperative and without a full stop."""

    @abstractmethod
    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:
        """Sort subscribers; with `locks`, what they have stays so until the transaction ends."""

    @abstractmethod
    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:
        """Change subscribers who were sorted."""

    def undo(self, chunk: BulkChunk, before: Mapping[int, Any], now: datetime) -> int:  # noqa: ARG002
        """Give subscribers back what they had, unless it changed since; return how many."""
        return 0


def subscribed_ids(change: BulkChange, ids: Collection[int]) -> set[int]:
    """Return those who still have, or had, a subscription of the publication."""
    rows = Subscription.objects.filter(
        subscriber__in=ids, newsletter__publication=change.publication_id
    )
    return set(rows.values_list("subscriber_id", flat=True))


MISSING = "are not subscribers any more"
