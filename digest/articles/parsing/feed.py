"""Parses RSS 0.9x to 2.0, RDF and Atom with feedparser's parsers.

They get text and nothing else, so they neither fetch nor open files. The text is decoded already;
`xml_repair` mends it and closes it after its last complete entry if it is truncated.
"""

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from digest.articles.errors import ParseError
from digest.articles.parsing import feedreader, markup, media, xml_repair
from digest.articles.parsing.base import (
    MAX_READ,
    Document,
    Entry,
    newest_entries,
    readable_entries,
)
from digest.articles.parsing.bylines import read_byline
from digest.articles.parsing.dates import Dates
from digest.core.text import web_url

# Python's SAX parser takes quadratic time in an element's attributes: 5 MB of them, half an hour.
MAX_ATTRIBUTES = 200  # a root element that declares every known namespace has about thirty
_ATTRIBUTE = r"""\s++[^\s=<>]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
_OVERLOADED = re.compile(rf"<[^\s<>]++(?:{_ATTRIBUTE}){{{MAX_ATTRIBUTES + 1}}}")

_MARKED_UP = re.compile(
    r"</(?:p|div|li|h[1-6]|blockquote)\s*>|<br\s*/?>|<img\s[^<>]*src\s*=|<a\s[^<>]*href\s*=[^<>]*>[^<]*</a>",
    re.IGNORECASE,
)

Fields = Mapping[str, Any]  # a plain dict: feedparser's own dict falls back to other names


def parse(text: str, base: str = "") -> Document:
    """Parse a feed's text; `base` is its own address, for relative links.

    Raises ParseError if it is not a feed, or is truncated before the end of its first article.
    """
    xml = xml_repair.repair(text)
    if xml_repair.root_name(xml).lower().endswith("entry"):
        raise ParseError("This is an Atom entry, not a feed. Use the address of the whole feed.")
    if _OVERLOADED.search(xml):
        raise ParseError(
            f"This is not a feed: an element has more than {MAX_ATTRIBUTES} attributes."
        )
    feed = feedreader.read(xml_repair.close(xml), base, MAX_READ)
    if not feed.version and not feed.entries:
        raise ParseError("This is not a feed: it contains no RSS, RDF or Atom element.")
    if not feed.entries and xml_repair.is_truncated(xml):
        raise ParseError("The feed breaks off before the end of its first article.")
    return _document(feed, base)


def _document(feed: feedreader.FeedFields, base: str) -> Document:
    channel = feed.channel
    site = _site(channel, base)
    language = _text(channel, "language")
    dates = Dates(language, _written_dates(feed.entries))
    is_atom = feed.version.startswith("atom")
    entries = readable_entries(
        feed.entries,
        lambda fields: _entry({**fields, "is_atom": is_atom}, base, site, language, dates),
    )
    return Document(
        kind="atom" if is_atom else "rss",
        title=_html({**channel, "is_atom": is_atom}, "title"),
        site_url=site,
        new_url=_text(channel, "itunes_new-feed-url"),
        language=language,
        entries=newest_entries(
            [e for e in entries if e.title or e.url or e.body_html or e.image.url]
        ),
        ttl=_ttl(channel),
    )


def _site(channel: Fields, base: str) -> str:
    return markup.absolute_url(_text(channel, "link"), base) if channel.get("link") else ""


def _written_dates(entries: list[dict[str, Any]]) -> list[str]:
    return [_text(fields, name) for fields in entries for name in ("published", "updated")]


def _ttl(channel: Fields) -> int:
    """Return <ttl> in seconds; RSS counts it in minutes."""
    value = _text(channel, "ttl")
    return int(value) * 60 if value.isascii() and value.isdigit() and len(value) < 6 else 0


def _entry(fields: Fields, feed_url: str, site: str, language: str, dates: Dates) -> Entry:
    declared_base = _base(fields, feed_url)
    url = _url(fields, declared_base or site or feed_url)
    base = declared_base or web_url(url) or site or feed_url
    source = _body(fields)
    root = markup.parse_fragment(source, base)
    body = source if root is None else markup.serialize(root)
    published, updated = (dates.parse(_text(fields, name)) for name in ("published", "updated"))
    return Entry(
        guid=_text(fields, "id"),
        url=url,
        title=_html(fields, "title") or media.media_text(fields, "title"),
        summary=_summary(fields, source, body),
        body_html=body,
        byline=_byline(fields),
        section=_text(fields, "prism_section"),
        tags=tuple(str(tag.get("term") or tag.get("label") or "") for tag in _list(fields, "tags")),
        language=_language(fields) or language,
        published_at=published or updated,  # a single date is that of publication
        updated_at=updated,
        image=media.read_image(fields, base, root),
    )


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _list(fields: Fields, name: str) -> list[Fields]:
    value = fields.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _html(fields: Fields, name: str) -> str:
    """Return an element as HTML; Atom's plain text is escaped.

    RSS does not declare the type; its text is nearly always HTML.
    """
    value = _text(fields, name)
    detail = fields.get(f"{name}_detail") or {}
    is_plain = fields.get("is_atom") and detail.get("type") == "text/plain"
    return _escape(value, is_title=name == "title") if is_plain else value


def _escape(plain: str, *, is_title: bool = False) -> str:
    """Return plain text as HTML; a text that has paragraphs, pictures or links is HTML already.

    Many feeds leave out the type (RFC 4287 §3.1.1), which then is "text".
    """
    is_html = not is_title and _MARKED_UP.search(plain)
    return plain if is_html else html.escape(plain, quote=False)


def _described(fields: Fields) -> str:
    """Return what describes an entry that is a video and has no other text."""
    has_text = _list(fields, "content") or not media.has_video(fields)
    return "" if has_text else html.escape(media.media_text(fields, "description"), quote=False)


def _base(fields: Fields, feed_url: str) -> str:
    """Return the xml:base of the entry's content, or "" if it is only the feed's own address."""
    for part in (*_list(fields, "content"), fields.get("summary_detail") or {}):
        base = str(part.get("base") or "")
        if base and base != feed_url and web_url(urljoin(feed_url, base)):
            return urljoin(feed_url, base)
    return ""


def _language(fields: Fields) -> str:
    details = (fields.get("title_detail") or {}, *_list(fields, "content"))
    return next((str(d["language"]) for d in details if d.get("language")), "")


def _url(fields: Fields, base: str) -> str:
    """Return the article's own address, not the redirect that a feed service puts before it.

    Without a link, the identifier serves if it is an address, then the file of an episode.
    """
    for name in ("feedburner_origlink", "pheedo_origlink"):
        if web_url(_text(fields, name)):
            return _text(fields, name)
    guid = _text(fields, "id")
    is_address = guid.startswith(("http://", "https://", "//")) or (
        guid.startswith("/") and bool(fields.get("is_permalink"))
    )
    declared = guid if is_address and fields.get("is_permalink") else ""
    candidates = (
        _text(fields, "link"), _linked(fields, "alternate"), declared, _linked(fields, "enclosure"),
        guid if is_address else "", *_outside(fields), _linked(fields, "related"),
        _linked(fields, "via"),
    )  # fmt: skip
    urls = (markup.absolute_url(candidate, base) for candidate in candidates if candidate)
    return next((url for url in urls if web_url(url)), "")


def _outside(fields: Fields) -> list[str]:
    """Return where content stands that is not in the entry itself (RFC 4287 §4.1.3.2)."""
    return [str(part["src"]) for part in _list(fields, "content") if part.get("src")]


def _linked(fields: Fields, relation: str) -> str:
    links = (part for part in _list(fields, "links") if part.get("rel") == relation)
    return next((str(part["href"]) for part in links if part.get("href")), "")


def _body(fields: Fields) -> str:
    """Return the longest text of the entry as HTML."""
    parts = [
        _escape(str(part.get("value", "")))
        if part.get("type") == "text/plain"
        else str(part.get("value", ""))
        for part in _list(fields, "content")
    ]
    fallbacks = [
        _text(fields, "yandex_full-text"),
        _text(fields, "full-text"),
        _html(fields, "summary"),
    ]
    return max(parts, key=len, default="") or max(fallbacks, key=len)


def _summary(fields: Fields, source: str, body: str) -> str:
    """Return the summary as HTML, with its captions marked as the body's are."""
    summary = _html(fields, "summary")
    if summary == source:
        return body or _described(fields)
    root = markup.parse_fragment(summary)
    return summary if root is None else markup.serialize(root)


def _byline(fields: Fields) -> str:
    authors = [str(author.get("name") or "") for author in _list(fields, "authors")]
    return read_byline(authors) or read_byline([_text(fields, "author"), _text(fields, "byline")])
