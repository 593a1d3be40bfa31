"""The plain signed webhook, for Wagtail and every system that can post JSON.

`{"type": "article.published", "timestamp": …, "data": {…}}`, or `article.updated`, with the fields
of the API's articles; or `article.retracted`, with `guid` or `url`, and a `note` for the archive.
"""

from collections.abc import Mapping
from typing import Any

from digest.articles.parsing.base import Entry, Image
from digest.connectors.errors import UnreadableError
from digest.connectors.reading.changes import (
    LONGEST_TEXT,
    Action,
    Change,
    read_line,
    read_lines,
    read_markup,
    read_moment,
    read_object,
    read_url,
)

TYPES = {
    "article.published": Action.PUBLISH,
    "article.updated": Action.CORRECT,
    "article.retracted": Action.RETRACT,
}
TEST = "test"  # changes nothing, as the type that Digest's own webhooks send


def read_call(body: Mapping[str, Any]) -> Change | None:
    """Return what a call reports; None for a test. Raises UnreadableError for another type."""
    kind = read_line(body, "type")
    if kind == TEST:
        return None
    if kind not in TYPES:
        raise UnreadableError(f"{kind!r} is not a type. Send one of: {', '.join(TYPES)}.")
    data = read_object(body.get("data"))
    action, changed_at = TYPES[kind], read_moment(body, "timestamp")
    if action == Action.RETRACT:
        return Change(action, _identity(data), read_line(data, "note"), changed_at)
    return Change(action, _entry(data), changed_at=changed_at)


def _identity(data: Mapping[str, Any]) -> Entry:
    entry = Entry(guid=read_line(data, "guid", 1000), url=read_url(data, "url"))
    if not (entry.guid or entry.url):
        raise UnreadableError("A retracted article needs its guid or its url.")
    return entry


def _entry(data: Mapping[str, Any]) -> Entry:
    identity = _identity(data)
    title = read_markup(data, "title", 1000)
    if not identity.url or not title.strip():
        raise UnreadableError("An article needs a url (https://…) and a title.")
    return Entry(
        guid=identity.guid,
        url=identity.url,
        title=title,
        summary=read_markup(data, "summary", LONGEST_TEXT),
        body_html=read_markup(data, "body_html"),
        byline=read_line(data, "byline"),
        section=read_line(data, "section", 200),
        tags=read_lines(data.get("tags")),
        language=read_line(data, "language", 35),
        published_at=read_moment(data, "published_at"),
        updated_at=read_moment(data, "updated_at"),
        image=Image(
            read_url(data, "image_url"),
            read_markup(data, "image_alt", LONGEST_TEXT),
            read_markup(data, "image_caption", LONGEST_TEXT),
            read_line(data, "image_credit"),
        ),
    )
