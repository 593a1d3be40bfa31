"""A change of one article, whatever system it was made in."""

from dataclasses import dataclass
from datetime import datetime

from digest.articles.parsing.base import Entry
from digest.connectors.actions import Action


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an article; of a retracted one, `entry` has guid or url alone."""

    action: Action
    entry: Entry
    note: str = ""
    changed_at: datetime | None = None  # in the system; None if it does not say
