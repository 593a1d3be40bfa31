"""The keys of stories that stand in several places of a compiled mail, while leads are tested.

A tested story and the issue's first one change places by variant. Each of the two places has all
stories that may stand there, with keys that belong to a variant; choosing a subscriber's variant is
choosing keys. Everything else keeps the position of its story as its key.
"""

from collections.abc import Collection, Iterable

from digest.issues.experiments.variants import Leads

_SCALE = 100_000  # more than any position


def occupants(leads: Leads | None, place: int) -> dict[int, tuple[int, ...]]:
    """Return the stories that may stand at a place, by position, with the keys that show them."""
    if leads is None or place not in _lead_places(leads):
        return {place: (place,)}
    rows: dict[int, tuple[int, ...]] = {}
    for variant in range(len(leads.leads) + 1):
        story = _story_at(leads, place, variant)
        rows[story] = (*rows.get(story, ()), _key(variant, story))
    return rows


def keys_of(leads: Leads, variant: int, positions: Collection[int]) -> set[int]:
    """Return the keys of a variant for a subscriber who gets the stories at these positions.

    Who does not get both stories that change places gets the issue as it is.
    """
    lead = leads.leads[variant - 1] if variant else None
    if lead not in positions or leads.first not in positions:
        variant = 0
    return {_key(variant, position) for position in _lead_places(leads).intersection(positions)}


def is_usual(keys: Iterable[int]) -> bool:
    """Say whether these keys show something in the issue as it is, not in a variant only."""
    return any(key < 2 * _SCALE for key in keys)


def belongs(key: int, variant: int) -> bool:
    """Say whether what has the key is in the mail of a variant, for somebody who gets all of it."""
    return key < _SCALE or key // _SCALE == variant + 1


def position_of(key: int) -> int:
    """Return the position of a key's story; of a block's key, itself."""
    return key % _SCALE if key >= _SCALE else key


def _key(variant: int, position: int) -> int:
    return _SCALE * (variant + 1) + position


def _lead_places(leads: Leads) -> set[int]:
    return {leads.first, *(lead for lead in leads.leads if lead is not None)}


def _story_at(leads: Leads, place: int, variant: int) -> int:
    lead = leads.leads[variant - 1] if variant else None
    if lead is None:
        return place
    return {leads.first: lead, lead: leads.first}.get(place, place)
