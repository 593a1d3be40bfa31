"""What a list says of its people besides address and name: consent, tags, topics, values.

Stored by set for the chunk that `storing.store_chunk` decided on last, in the same transaction, and
only for those whom it added: who was subscribed already keeps what editors gave them since.

Raw SQL, because a list of a million is stored in the database, not row by row.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from digest.newsletters.models import Newsletter
from digest.subscribers.profiles import MOST_TAGS


class Details(NamedTuple):
    """What the row in a line says of a person."""

    line: int
    requested_at: datetime | None = None  # when they signed up elsewhere
    ip: str | None = None  # from where they did
    wording: str = ""  # how they did, in words
    tags: tuple[str, ...] = ()  # as `profiles.clean_tag` returns them
    topics: tuple[str, ...] = ()  # titles of topic blocks of the newsletter
    attributes: Mapping[str, Any] = {}  # by key, as `attributes.read_values` returns them
    timezone: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not any(self[1:])


class Counts(NamedTuple):
    """How many of the added subscribers have what."""

    consent: int = 0
    ip: int = 0
    tags: int = 0
    topics: int = 0
    attributes: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of both."""
        return Counts(*(left + right for left, right in zip(self, other, strict=True)))


def store_details(
    details: Sequence[Details], newsletter: Newsletter, via: str, *, dry_run: bool
) -> Counts:
    """Store what is known of the subscribers that the last chunk added; return how many have what.

    `via` says where they signed up (ConsentEvent.via). Call it in the transaction of the chunk. A
    dry run counts only.
    """
    with connection.cursor() as cursor:
        _copy(cursor, details)
        cursor.execute(_COUNT)
        counts = Counts(*cursor.fetchone())
        if not dry_run:
            values: dict[str, Any] = {
                "newsletter": newsletter.pk,
                "publication": newsletter.publication_id,
                "via": via,
                "most": MOST_TAGS,
            }
            for statement in (_EVENTS, _SUBSCRIPTIONS, _SUBSCRIBERS, _PROFILES):
                cursor.execute(statement, values)
        cursor.execute("DROP TABLE import_details, import_added")
    return counts


def _copy(cursor: Any, details: Sequence[Details]) -> None:
    cursor.execute(_TABLES)
    with cursor.copy("COPY import_details FROM STDIN") as copy:
        for row in details:
            lists = [list(row.tags), list(row.topics)]
            attributes = json.dumps(dict(row.attributes))
            copy.write_row((*row[:4], *lists, attributes, row.timezone))
    cursor.execute(_OF_THE_ADDED)


_TABLES = """
DROP TABLE IF EXISTS pg_temp.import_details, pg_temp.import_added;
CREATE TEMP TABLE import_details (
    line bigint PRIMARY KEY, requested_at timestamptz, ip inet, wording text, tags text[],
    topics text[], attributes jsonb, timezone text
)
"""
_OF_THE_ADDED = """
CREATE TEMP TABLE import_added AS
SELECT details.*, decided.subscriber FROM import_details AS details JOIN import_decided AS decided
    ON decided.line = details.line AND decided.verdict = 'add'
"""
_COUNT = """
SELECT count(*) FILTER (WHERE requested_at IS NOT NULL), count(*) FILTER (WHERE ip IS NOT NULL),
    count(*) FILTER (WHERE tags <> '{}'), count(*) FILTER (WHERE topics <> '{}'),
    count(*) FILTER (WHERE attributes <> '{}')
FROM import_added
"""
# A request, not a confirmation: they joined here when they were imported, and are counted once.
_EVENTS = """
INSERT INTO subscribers_consentevent
       (subscriber_id, newsletter_id, action, at, via, ip, wording, wording_version)
SELECT subscriber, %(newsletter)s, 'requested', requested_at, %(via)s, ip, wording, ''
FROM import_added WHERE requested_at IS NOT NULL
"""
# Looked up row by row and by subscriber alone, as `storing` does.
_SUBSCRIPTIONS = """
UPDATE subscribers_subscription AS subscription
SET created_at = coalesce(added.requested_at, subscription.created_at),
    topics = CASE WHEN added.topics = '{}' THEN subscription.topics
                  ELSE added.topics::varchar[] END
FROM import_added AS added, LATERAL (
    SELECT id FROM subscribers_subscription
    WHERE subscriber_id = added.subscriber AND newsletter_id + 0 = %(newsletter)s OFFSET 0
) AS existing
WHERE subscription.id = existing.id
    AND (added.requested_at IS NOT NULL OR added.topics <> '{}')
"""
_SUBSCRIBERS = """
UPDATE subscribers_subscriber AS subscriber SET timezone = added.timezone
FROM import_added AS added
WHERE subscriber.id = added.subscriber AND subscriber.timezone = '' AND added.timezone <> ''
"""
# What the publication knows of them already goes before what the list says.
_PROFILES = """
INSERT INTO subscribers_profile AS profile (subscriber_id, publication_id, tags, attributes)
SELECT subscriber, %(publication)s, tags::varchar[], attributes
FROM import_added WHERE tags <> '{}' OR attributes <> '{}'
ORDER BY subscriber
ON CONFLICT (subscriber_id, publication_id) DO UPDATE
SET tags = (SELECT (array_agg(tag ORDER BY tag))[:%(most)s] FROM (
        SELECT unnest(profile.tags) AS tag UNION SELECT unnest(excluded.tags)) AS tags),
    attributes = excluded.attributes || profile.attributes
"""
