"""The plain signed webhook, for Wagtail and every system that can post JSON.

`{"type": "article.published", "timestamp": …, "data": {…}}`, or `article.updated`, with the fields
of the API's articles; or `article.retracted`, with `guid` or `url`, and a `note` for the archive.
"""

from collections.abc import Mapping
from typing import Any

from digest.articles.parsing.base import Entry
from digest.connectors.actions import Action
from digest.connectors.errors import UnreadableError
from digest.connectors.reading.changes import Change
from digest.connectors.reading.fields import LONGEST_TEXT, Fields

TYPES = {
    "article.published": Action.PUBLISH,
    "article.updated": Action.CORRECT,
    "article.retracted": Action.RETRACT,
}
TEST = "test"  # changes nothing, as the type that Digest's own webhooks send


def read_call(body: Mapping[str, Any]) -> Change | None:
    """Return what a call reports; None for a test. Raises UnreadableError for another type."""
    call = Fields(body)
    kind = call.line("type")
    if kind == TEST:
        return None
    if kind not in TYPES:
        raise UnreadableError(f"{kind!r} is not a type. Send one of: {', '.join(TYPES)}.")
    data = call.fields("data")
    action, changed_at = TYPES[kind], call.moment("timestamp")
    if action == Action.RETRACT:
        return Change(action, _identity(data), data.line("note"), changed_at)
    return Change(action, _entry(data), changed_at=changed_at)


def _identity(data: Fields) -> Entry:
    entry = Entry(guid=data.line("guid", 1000), url=data.url("url"))
    if not (entry.guid or entry.url):
        raise UnreadableError("A retracted article needs its guid or its url.")
    return entry


def _entry(data: Fields) -> Entry:
    identity = _identity(data)
    title = data.markup("title", 1000)
    if not identity.url or not title.strip():
        raise UnreadableError("An article needs a url (https://…) and a title.")
    return Entry(
        guid=identity.guid,
        url=identity.url,
        title=title,
        summary=data.markup("summary", LONGEST_TEXT),
        body_html=data.markup("body_html"),
        byline=data.line("byline"),
        section=data.line("section", 200),
        tags=data.lines("tags"),
        language=data.line("language", 35),
        published_at=data.moment("published_at"),
        updated_at=data.moment("updated_at"),
        image=data.image("image_url", "image_alt", "image_caption", "image_credit"),
    )
