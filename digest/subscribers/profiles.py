"""A publication's tags and attribute values of its subscribers: read and changed, one or many."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from digest.core.database.statements import fetch_rows
from digest.core.text import one_line
from digest.subscribers.attributes import Value, attributes_of, read_values
from digest.subscribers.errors import InvalidInputError
from digest.subscribers.models import LONGEST_TAG, Profile

MOST_TAGS = 100  # of one subscriber, in one publication


def profile_of(subscriber_id: int, publication_id: int) -> Profile:
    """Return a subscriber's profile; one that is not saved yet where there is none."""
    key = {"subscriber_id": subscriber_id, "publication_id": publication_id}
    return Profile.objects.filter(**key).first() or Profile(**key)


def locked_profile(subscriber_id: int, publication_id: int) -> Profile:
    """Return a subscriber's profile, created where there is none, locked for the transaction."""
    Profile.objects.get_or_create(subscriber_id=subscriber_id, publication_id=publication_id)
    return Profile.objects.select_for_update().get(
        subscriber_id=subscriber_id, publication_id=publication_id
    )


def clean_tag(text: str) -> str:
    """Return a tag as it is stored: one line in lowercase; raise InvalidInputError without text."""
    tag = one_line(text, LONGEST_TAG).casefold()[:LONGEST_TAG].strip().strip(",")
    if not tag:
        raise InvalidInputError("Enter a tag.")
    return tag


def split_tags(text: str) -> list[str]:
    """Return the tags in a text that separates them by commas or semicolons, each once."""
    parts = text.replace(";", ",").split(",")
    return list(dict.fromkeys(clean_tag(part) for part in parts if part.strip()))


def add_tag(tag: str, publication_id: int, subscriber_ids: Collection[int]) -> list[int]:
    """Give subscribers a tag; return the ids of those who did not have it."""
    # Raw SQL: one statement for thousands, and it says whom it changed.
    return _run(_ADD_TAG, [publication_id, tag, sorted(subscriber_ids), tag, MOST_TAGS])


def remove_tag(tag: str, publication_id: int, subscriber_ids: Collection[int]) -> list[int]:
    """Take a tag from subscribers; return the ids of those who had it."""
    return _run(_REMOVE_TAG, [tag, publication_id, sorted(subscriber_ids), tag])


def set_attribute(
    key: str, value: Value, publication_id: int, subscriber_ids: Collection[int]
) -> None:
    """Give subscribers a value that was read; None removes theirs."""
    if value is None:
        _run(_REMOVE_VALUE, [key, publication_id, sorted(subscriber_ids), key])
    else:
        document = json.dumps({key: value})
        _run(_SET_VALUE, [publication_id, document, sorted(subscriber_ids)])


@transaction.atomic
def set_tags(subscriber_id: int, publication_id: int, tags: Iterable[str]) -> None:
    """Replace a subscriber's tags; raise InvalidInputError for too many or empty ones."""
    cleaned = sorted(dict.fromkeys(map(clean_tag, tags)))
    if len(cleaned) > MOST_TAGS:
        raise InvalidInputError(f"A subscriber has {MOST_TAGS} tags at most.")
    Profile.objects.update_or_create(
        subscriber_id=subscriber_id, publication_id=publication_id, defaults={"tags": cleaned}
    )


def set_attributes(
    subscriber_id: int, publication_id: int, values: Mapping[str, object]
) -> dict[str, Value]:
    """Change attribute values by key, None or "" removes one; return them as they are stored.

    Keys that are not named stay. Raises InvalidInputError, and changes nothing, if one is unknown
    or is not of its type.
    """
    read = read_values(attributes_of(publication_id), values)
    merge_attributes(subscriber_id, publication_id, read)
    return read


@transaction.atomic
def merge_attributes(subscriber_id: int, publication_id: int, values: Mapping[str, Value]) -> None:
    """Store values that were read; None removes one."""
    profile = locked_profile(subscriber_id, publication_id)
    merged = profile.attributes | values
    profile.attributes = {key: value for key, value in merged.items() if value is not None}
    profile.save(update_fields=["attributes"])


def tags_in(publication_ids: Collection[int] | None, most: int = 200) -> list[str]:
    """Return tags in use, in alphabetical order: those of the latest profiles, at most so many.

    `publication_ids` None is every publication. It reads a bounded number of profiles.
    """
    rows = Profile.objects.exclude(tags=[]).order_by("-pk")
    if publication_ids is not None:
        rows = rows.filter(publication__in=publication_ids)
    tags = {tag for row in rows.values_list("tags", flat=True)[:5_000] for tag in row}
    return sorted(tags)[:most]


def _run(statement: str, parameters: list[Any]) -> list[int]:
    return [subscriber_id for (subscriber_id,) in fetch_rows(statement, parameters)]


_ADD_TAG = """
INSERT INTO subscribers_profile AS profile (subscriber_id, publication_id, tags, attributes)
SELECT id, %s, ARRAY[%s]::varchar[], '{}' FROM subscribers_subscriber
WHERE id = ANY(%s) ORDER BY id
ON CONFLICT (subscriber_id, publication_id) DO UPDATE
SET tags = array_append(profile.tags, excluded.tags[1])
WHERE %s <> ALL(profile.tags) AND cardinality(profile.tags) < %s
RETURNING subscriber_id
"""
_REMOVE_TAG = """
UPDATE subscribers_profile SET tags = array_remove(tags, %s::varchar)
WHERE publication_id = %s AND subscriber_id = ANY(%s) AND tags @> ARRAY[%s]::varchar[]
RETURNING subscriber_id
"""
_SET_VALUE = """
INSERT INTO subscribers_profile AS profile (subscriber_id, publication_id, attributes)
SELECT id, %s, %s::jsonb FROM subscribers_subscriber WHERE id = ANY(%s) ORDER BY id
ON CONFLICT (subscriber_id, publication_id) DO UPDATE
SET attributes = profile.attributes || excluded.attributes
RETURNING subscriber_id
"""
_REMOVE_VALUE = """
UPDATE subscribers_profile SET attributes = attributes - %s::text
WHERE publication_id = %s AND subscriber_id = ANY(%s) AND attributes ? %s
RETURNING subscriber_id
"""
