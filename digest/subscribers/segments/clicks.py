"""Who clicked: `digest.analytics`, which stands above this package, says how that is looked up."""

from collections.abc import Callable, Collection
from datetime import datetime

from django.db.models import Exists

# Ids of newsletters, since when (aware, UTC), and the outer field with the subscriber's id.
Lookup = Callable[[Collection[int], datetime, str], Exists]
_lookups: list[Lookup] = []


def register(lookup: Lookup) -> None:
    """Let rules about clicks be looked up in this way; once, when Django starts."""
    _lookups[:] = [lookup]


def clicked_since(newsletter_ids: Collection[int], since: datetime, subscriber: str) -> Exists:
    """Return the condition that a subscriber clicked, as a person, in a newsletter's issue."""
    (lookup,) = _lookups
    return lookup(newsletter_ids, since, subscriber)
