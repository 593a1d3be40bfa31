"""Parses RSS 0.9x to 2.0, RDF and Atom with feedparser.

feedparser gets bytes and nothing else, so it neither fetches nor opens files. The text is repaired
first: it is already decoded, the document type and its entities are removed, and a truncated
document is closed after its last complete entry.
"""

import html
import io
import re
from collections.abc import Mapping
from typing import Any

import feedparser

from digest.articles.errors import ParseError
from digest.articles.parsing import markup
from digest.articles.parsing.base import Document, Entry, Image, newest_entries
from digest.articles.parsing.dates import Dates

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = re.compile(r"<((?:\w+:)?(?:rss|feed|rdf))\b", re.IGNORECASE)
_ENTRY_END = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_ENTRY_START = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)

# Python's SAX parser takes quadratic time in an element's attributes: 5 MB of them, half an hour.
MAX_ATTRIBUTES = 200  # a root element that declares every known namespace has about thirty
_ATTRIBUTE = r"""\s++[^\s=<>]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
_OVERLOADED = re.compile(rf"<[^\s<>]++(?:{_ATTRIBUTE}){{{MAX_ATTRIBUTES + 1}}}")

# With this default namespace feedparser's strict parser finds no items.
_USERLAND = re.compile(r"""\sxmlns=["']http://backend\.userland\.com/rss2?["']""")
_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp)(?:\?|\Z)", re.IGNORECASE)

_MAIL = re.compile(r"\S+@\S+")
_MAIL_AND_NAME = re.compile(r"\S+@\S+\s+\(([^()]+)\)")

Fields = Mapping[str, Any]  # a plain dict: feedparser's own dict falls back to other names


def parse(text: str, base: str = "") -> Document:
    """Parse a feed's text; `base` is its own address, for relative links.

    Raises ParseError if it is not a feed, or is truncated before the end of its first article.
    """
    xml = _clean(text)
    if _OVERLOADED.search(xml):
        raise ParseError(
            f"This is not a feed: an element has more than {MAX_ATTRIBUTES} attributes."
        )
    feed = feedparser.parse(
        io.BytesIO(_close(xml).encode("utf-8", "replace")),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": base,
        },
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not feed.version and not feed.entries:
        raise ParseError("This is not a feed: it contains no RSS, RDF or Atom element.")
    if not feed.entries and _is_truncated(xml):
        raise ParseError("The feed breaks off before the end of its first article.")
    return _document(feed, base)


def _clean(text: str) -> str:
    """Return the XML without declaration, document type, control characters and a bad namespace.

    The document type is removed because its entities can expand a thousandfold. feedparser's second
    parser, the tolerant one, knows the entities of HTML.
    """
    text = _DECLARATION.sub("", text.lstrip("\ufeff"), count=1)
    if "<!doctype" in text[:20_000].lower():
        text = _without_doctype(text)
    return _CONTROLS.sub("", _USERLAND.sub("", text, count=1)).lstrip()


def _without_doctype(text: str) -> str:
    root = _ROOT.search(text)
    if root and "<!doctype" in text[: root.start()].lower():
        return text[root.start() :]
    return _DOCTYPE.sub("", text, count=1)


def _is_truncated(text: str) -> bool:
    """Return whether the root element is never closed."""
    root = _ROOT.search(text)
    return root is not None and f"</{root[1]}" not in text[root.end() :]


def _close(text: str) -> str:
    """Return the text; if it is truncated, closed after its last complete entry."""
    root = _ROOT.search(text)
    if not root or not _is_truncated(text):
        return text
    ends = [match.end() for match in _ENTRY_END.finditer(text)]
    if not ends:
        start = _ENTRY_START.search(text)
        return text[: start.start()] if start else text
    channel = "</channel>" if root[1].lower() == "rss" else ""
    return f"{text[: ends[-1]]}{channel}</{root[1]}>"


def _document(feed: Any, base: str) -> Document:
    channel: Fields = feed.feed
    site = _site(channel, base)
    language = _text(channel, "language")
    dates = Dates(language)
    is_atom = feed.version.startswith("atom")
    entries = [
        _entry({**fields, "is_atom": is_atom}, site or base, language, dates)
        for fields in feed.entries
    ]
    return Document(
        kind="atom" if is_atom else "rss",
        title=_html({**channel, "is_atom": is_atom}, "title"),
        site_url=site,
        language=language,
        entries=newest_entries(
            [entry for entry in entries if entry.title or entry.url or entry.body_html]
        ),
        ttl=_ttl(channel),
    )


def _site(channel: Fields, base: str) -> str:
    return markup.absolute_url(_text(channel, "link"), base) if channel.get("link") else ""


def _ttl(channel: Fields) -> int:
    """Return <ttl> in seconds; RSS counts it in minutes."""
    value = _text(channel, "ttl")
    return int(value) * 60 if value.isascii() and value.isdigit() and len(value) < 6 else 0


def _entry(fields: Fields, base: str, language: str, dates: Dates) -> Entry:
    base = _base(fields) or base
    body, root = _body(fields, base)
    published, updated = (dates.parse(_text(fields, name)) for name in ("published", "updated"))
    url = _url(fields, base)
    return Entry(
        guid=_text(fields, "id"),
        url=url,
        title=_html(fields, "title"),
        summary=_html(fields, "summary"),
        body_html=body,
        byline=_byline(fields),
        section=_text(fields, "prism_section"),
        tags=tuple(str(tag.get("term") or tag.get("label") or "") for tag in _list(fields, "tags")),
        language=_language(fields) or language,
        published_at=published or updated,  # a single date is that of publication
        updated_at=updated,
        image=_image(fields, base, root),
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
    return html.escape(value, quote=False) if is_plain else value


def _base(fields: Fields) -> str:
    """Return the xml:base of the entry's content, or "" if there is none."""
    for part in (*_list(fields, "content"), fields.get("summary_detail") or {}):
        if str(part.get("base") or "").startswith(("http://", "https://")):
            return str(part["base"])
    return ""


def _language(fields: Fields) -> str:
    details = (fields.get("title_detail") or {}, *_list(fields, "content"))
    return next((str(d["language"]) for d in details if d.get("language")), "")


def _url(fields: Fields, base: str) -> str:
    """Return the article's own address, not the redirect that a feed service puts before it."""
    for name in ("feedburner_origlink", "pheedo_origlink"):
        if _text(fields, name).startswith(("http://", "https://")):
            return _text(fields, name)
    link = _text(fields, "link")
    if not link:
        guid = _text(fields, "id")
        link = guid if guid.startswith(("http://", "https://")) else ""
    return markup.absolute_url(link, base) if link else ""


def _body(fields: Fields, base: str) -> tuple[str, Any]:
    """Return the longest text of the entry as HTML, and its tree."""
    parts = [
        html.escape(str(part.get("value", "")))
        if part.get("type") == "text/plain"
        else str(part.get("value", ""))
        for part in _list(fields, "content")
    ]
    fallbacks = [
        _text(fields, "yandex_full-text"),
        _text(fields, "full-text"),
        _html(fields, "summary"),
    ]
    body = max(parts, key=len, default="") or max(fallbacks, key=len)
    root = markup.parse_fragment(body, base)
    return (body if root is None else markup.serialize(root)), root


def _byline(fields: Fields) -> str:
    # RSS 2.0's form, which feedparser splits wrongly for many top-level domains.
    if match := _MAIL_AND_NAME.fullmatch(_text(fields, "author")):
        return match[1].strip()
    names = [_name(author) for author in _list(fields, "authors")]
    return ", ".join(dict.fromkeys(name for name in names if name)) or _text(fields, "byline")


def _name(author: Fields) -> str:
    """Return an author's name; an email address is not a name."""
    name = _text(author, "name")
    return "" if _MAIL.fullmatch(name) else name


def _image(fields: Fields, base: str, root: Any) -> Image:
    """Return the lead image from media:content, enclosure, iTunes or the body, in this order.

    If the body shows the same image, its alternative text, caption and credit come from there.
    """
    url = _media(fields) or _enclosure(fields) or _other_image(fields)
    url = markup.absolute_url(url, base) if url else ""
    body_image = markup.find_lead_image(root) if root is not None else Image()
    if not markup.can_lead(url):
        return _add_credit(body_image, fields)
    if markup.is_same_picture(url, body_image.url):
        return _add_credit(
            Image(url, body_image.alt, body_image.caption, body_image.credit), fields
        )
    caption, credit = markup.split_credit(_media_caption(fields), "")
    return _add_credit(Image(url, caption=caption, credit=credit), fields)


def _add_credit(image: Image, fields: Fields) -> Image:
    values = (str(part.get("content") or "") for part in _list(fields, "media_credit"))
    credit = next(filter(None, values), "") or _text(fields, "photographer")
    if not image.url or image.credit or not credit:
        return image
    return Image(image.url, image.alt, image.caption, credit)


def _media(fields: Fields) -> str:
    """Return the best image of media:content, else of media:thumbnail (also inside media:group)."""
    contents = [
        part
        for part in _list(fields, "media_content")
        if part.get("medium", "image") == "image"
        and str(part.get("type", "image/")).startswith("image/")
    ]
    for parts in (contents, _list(fields, "media_thumbnail")):
        images = [(_width(part), str(part.get("url", "")).strip()) for part in parts]
        wide = [pair for pair in images if markup.can_lead(pair[1]) and pair[0] >= markup.MIN_WIDTH]
        if best := markup.choose_width(wide):
            return best
    return ""


def _width(part: Fields) -> int:
    """Return the declared width in px, or 300 if there is none."""
    value = str(part.get("width", "")).strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 300


def _media_caption(fields: Fields) -> str:
    captions = (_text(part, "caption") for part in _list(fields, "media_content"))
    return next(filter(None, captions), "")


def _enclosure(fields: Fields) -> str:
    links = [part for part in _list(fields, "links") if part.get("rel") == "enclosure"]
    for part in links:
        url, kind = str(part.get("href", "")), str(part.get("type", ""))
        if kind.startswith("image/") or (not kind and _PICTURE_END.search(url)):
            return url
    return ""


def _other_image(fields: Fields) -> str:
    """Return itunes:image, an <image> of the entry, or one of the elements that sites make up."""
    image = fields.get("image")
    if isinstance(image, dict) and image.get("href"):
        return str(image["href"])
    for name in ("bigimage", "smallimage", "image", "thumbnail"):
        if (url := _text(fields, name)) and _PICTURE_END.search(url):
            return url
    return ""
