"""Parses JSON Feed 1.0 and 1.1 (jsonfeed.org)."""

import html
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from digest.articles.errors import ParseError
from digest.articles.parsing import json_repair, markup
from digest.articles.parsing.base import (
    Document,
    Entry,
    Image,
    newest_entries,
    readable_entries,
)
from digest.articles.parsing.bylines import read_byline
from digest.articles.parsing.dates import Dates
from digest.core.text import web_url

Fields = Mapping[str, Any]


def parse(text: str, base: str = "") -> Document:
    """Parse a JSON Feed; `base` is its own address. Raises ParseError for anything else.

    Of a truncated or broken feed, the items that are whole and sound are read.
    """
    document = _load(text.lstrip("\ufeff"))
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise ParseError("This is JSON but not a JSON Feed: it has no list of items.")
    site = markup.absolute_url(_text(document, "home_page_url"), base)
    language = _text(document, "language")
    items = [item for item in document["items"] if isinstance(item, dict)]
    dates = Dates(language, [_text(item, "date_published") for item in items])
    return Document(
        kind="json",
        title=_escaped(document, "title"),
        site_url=site,
        language=language,
        entries=newest_entries(
            readable_entries(items, lambda item: _entry(item, site or base, language, dates))
        ),
    )


def _load(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except RecursionError as cause:
        raise ParseError("This JSON is nested too deeply to be a feed.") from cause
    except ValueError as cause:
        if items := json_repair.whole_items(text):
            return json_repair.head(text) | {"items": items}
        raise ParseError(f"This begins like a JSON Feed but is incomplete: {cause}.") from cause


def _entry(item: Fields, base: str, language: str, dates: Dates) -> Entry:
    url = _url(item, base)
    own_base = web_url(url) or base
    body = _text(item, "content_html") or _paragraphs(_text(item, "content_text"))
    root = markup.parse_fragment(body, own_base)
    published = dates.parse(_text(item, "date_published"))
    updated = dates.parse(_text(item, "date_modified"))
    return Entry(
        guid=_identifier(item),
        url=url,
        title=_escaped(item, "title"),
        summary=_escaped(item, "summary"),
        body_html=body if root is None else markup.serialize(root),
        byline=_byline(item),
        tags=_tags(item),
        language=_text(item, "language") or language,
        published_at=published or updated,
        updated_at=updated,
        image=_image(item, own_base, root),
    )


def _url(item: Fields, base: str) -> str:
    """Return the item's address; without one, what it points at, or the file that it carries."""
    identifier = _text(item, "id")
    candidates = (
        _text(item, "url"),
        _text(item, "external_url"),
        identifier if web_url(identifier) else "",
        *(_text(part, "url") for part in _attachments(item)),
    )
    urls = (markup.absolute_url(candidate, base) for candidate in candidates if candidate)
    return next((url for url in urls if web_url(url)), "")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return markup.xml_safe(value).strip() if isinstance(value, str) else ""


def _escaped(fields: Fields, name: str) -> str:
    """Return a plain-text field as HTML, after decoding the entities that some publishers write."""
    return html.escape(html.unescape(_text(fields, name)), quote=False)


def _identifier(item: Fields) -> str:
    """Return the id as a string; version 1 allows numbers."""
    value = item.get("id")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else _text(item, "id")


def _paragraphs(plain: str) -> str:
    parts = (part.strip() for part in plain.split("\n\n"))
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in parts if part)


def _tags(item: Fields) -> tuple[str, ...]:
    tags = item.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _byline(item: Fields) -> str:
    """Return the names in `authors`, or in `author` of version 1."""
    authors = item.get("authors") or [item.get("author")]
    if not isinstance(authors, list):
        return ""
    return read_byline(
        author if isinstance(author, str) else _text(author, "name")
        for author in authors
        if isinstance(author, dict | str)
    )


def _image(item: Fields, base: str, root: Any) -> Image:
    body_image = markup.find_lead_image(root) if root is not None else Image()
    declared = (
        _text(item, "image"),
        _text(item, "banner_image"),
        *(
            _text(part, "url")
            for part in _attachments(item)
            if _text(part, "mime_type").startswith("image/")
        ),
    )
    urls = (markup.absolute_url(value, base) for value in declared if value)
    url = next((url for url in urls if markup.can_lead(url)), "")
    if not url:
        return body_image
    if markup.is_same_picture(url, body_image.url):
        return replace(body_image, url=url)
    return Image(url)


def _attachments(item: Fields) -> list[Fields]:
    attachments = item.get("attachments")
    attachments = attachments if isinstance(attachments, list) else []
    return [part for part in attachments if isinstance(part, dict)]
