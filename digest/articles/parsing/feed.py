"""RSS 0.9x to 2.0, RDF and Atom, through feedparser.

feedparser is given bytes and nothing else, so it neither fetches nor opens files. Before that the
text is mended: its encoding decided by us, document types (and the entities in them) left out, a
document that breaks off closed after its last whole entry.
"""

import html
import io
import re
from collections.abc import Mapping
from typing import Any

import feedparser

from digest.articles.errors import ParseError
from digest.articles.parsing import markup
from digest.articles.parsing.base import Document, Entry, Image, newest
from digest.articles.parsing.dates import Dates

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = re.compile(r"<((?:\w+:)?(?:rss|feed|rdf))\b", re.IGNORECASE)
_ENTRY_END = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>", re.IGNORECASE)
_ENTRY_START = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)

# Python's SAX takes time with the square of an element's attributes: 5 MB of them are half an hour.
MOST_ATTRIBUTES = 200  # a root with every namespace there is has some thirty
_ATTRIBUTE = r"""\s++[^\s=<>]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')"""
_OVERLOADED = re.compile(rf"<[^\s<>]++(?:{_ATTRIBUTE}){{{MOST_ATTRIBUTES + 1}}}")

# A default namespace of Userland's makes feedparser's strict parser see no items.
_USERLAND = re.compile(r"""\sxmlns=["']http://backend\.userland\.com/rss2?["']""")
_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp)(?:\?|\Z)", re.IGNORECASE)

_MAIL = re.compile(r"\S+@\S+")
_MAIL_AND_NAME = re.compile(r"\S+@\S+\s+\(([^()]+)\)")

Fields = Mapping[str, Any]  # a plain dict: feedparser's own answers for names that are not there


def parse(text: str, base: str = "") -> Document:
    """Parse a feed's text; `base` is its own address, for relative links.

    Raises ParseError where nothing of a feed is in it, or it breaks off before its first article.
    """
    plain = _plain(text)
    if _OVERLOADED.search(plain):
        raise ParseError(f"This is no feed: an element has more than {MOST_ATTRIBUTES} attributes.")
    found = feedparser.parse(
        io.BytesIO(_closed(plain).encode("utf-8", "replace")),
        response_headers={
            "content-type": "application/xml; charset=utf-8",
            "content-location": base,
        },
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.version and not found.entries:
        raise ParseError("This is no feed that can be read: no RSS, RDF or Atom element is in it.")
    if not found.entries and _breaks_off(plain):
        raise ParseError("The feed breaks off before the end of its first article.")
    return _document(found, base)


def _plain(text: str) -> str:
    """Return the XML without declaration, document type, control characters and odd namespaces.

    The document type goes because of what can be in it: entities that expand a thousandfold. HTML's
    own entities are known to feedparser's second, forgiving parser.
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


def _breaks_off(text: str) -> bool:
    """Say whether the root element is never closed."""
    root = _ROOT.search(text)
    return root is not None and f"</{root[1]}" not in text[root.end() :]


def _closed(text: str) -> str:
    """Return the text, ended after its last whole entry if it breaks off."""
    root = _ROOT.search(text)
    if not root or not _breaks_off(text):
        return text
    ends = [found.end() for found in _ENTRY_END.finditer(text)]
    if not ends:
        start = _ENTRY_START.search(text)
        return text[: start.start()] if start else text
    channel = "</channel>" if root[1].lower() == "rss" else ""
    return f"{text[: ends[-1]]}{channel}</{root[1]}>"


def _document(found: Any, base: str) -> Document:
    channel: Fields = found.feed
    site = _site(channel, base)
    language = _text(channel, "language")
    dates = Dates(language)
    is_atom = found.version.startswith("atom")
    entries = [
        _entry({**fields, "is_atom": is_atom}, site or base, language, dates)
        for fields in found.entries
    ]
    return Document(
        kind="atom" if is_atom else "rss",
        title=_html({**channel, "is_atom": is_atom}, "title"),
        site_url=site,
        language=language,
        entries=newest([entry for entry in entries if entry.title or entry.url or entry.body_html]),
        ttl=_ttl(channel),
    )


def _site(channel: Fields, base: str) -> str:
    return markup.absolute(_text(channel, "link"), base) if channel.get("link") else ""


def _ttl(channel: Fields) -> int:
    """Return RSS's <ttl>, which counts minutes, in seconds."""
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
        published_at=published or updated,  # a feed that only knows one means when it came out
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
    """Return an element as HTML: Atom's plain text escaped, so that one decoding restores it.

    RSS doesn't say which it is and is taken as HTML, which it nearly always is.
    """
    value = _text(fields, name)
    detail = fields.get(f"{name}_detail") or {}
    is_plain = fields.get("is_atom") and detail.get("type") == "text/plain"
    return html.escape(value, quote=False) if is_plain else value


def _base(fields: Fields) -> str:
    """Return the xml:base of the entry's content, if the publisher gave one."""
    for part in (*_list(fields, "content"), fields.get("summary_detail") or {}):
        if str(part.get("base") or "").startswith(("http://", "https://")):
            return str(part["base"])
    return ""


def _language(fields: Fields) -> str:
    details = (fields.get("title_detail") or {}, *_list(fields, "content"))
    return next((str(d["language"]) for d in details if d.get("language")), "")


def _url(fields: Fields, base: str) -> str:
    """Return the article's own address, behind the counters that feed services put before it."""
    for name in ("feedburner_origlink", "pheedo_origlink"):
        if _text(fields, name).startswith(("http://", "https://")):
            return _text(fields, name)
    link = _text(fields, "link")
    if not link:
        guid = _text(fields, "id")
        link = guid if guid.startswith(("http://", "https://")) else ""
    return markup.absolute(link, base) if link else ""


def _body(fields: Fields, base: str) -> tuple[str, Any]:
    """Return the fullest form the publisher gives, as HTML, and its tree."""
    parts = [
        html.escape(str(part.get("value", "")))
        if part.get("type") == "text/plain"
        else str(part.get("value", ""))
        for part in _list(fields, "content")
    ]
    others = [
        _text(fields, "yandex_full-text"),
        _text(fields, "full-text"),
        _html(fields, "summary"),
    ]
    body = max(parts, key=len, default="") or max(others, key=len)
    root = markup.parsed(body, base)
    return (body if root is None else markup.serialised(root)), root


def _byline(fields: Fields) -> str:
    # RSS 2.0's own form, which feedparser takes apart wrongly for many top-level domains.
    if found := _MAIL_AND_NAME.fullmatch(_text(fields, "author")):
        return found[1].strip()
    names = [_name(author) for author in _list(fields, "authors")]
    return ", ".join(dict.fromkeys(name for name in names if name)) or _text(fields, "byline")


def _name(author: Fields) -> str:
    """Return an author's name; a bare address is none."""
    name = _text(author, "name")
    return "" if _MAIL.fullmatch(name) else name


def _image(fields: Fields, base: str, root: Any) -> Image:
    """Return the lead image: media, enclosure, iTunes, the body's first, in this order.

    What the body says about the same picture (alt, caption, credit) is taken from there.
    """
    url = _media(fields) or _enclosure(fields) or _named(fields)
    url = markup.absolute(url, base) if url else ""
    inside = markup.lead_image(root) if root is not None else Image()
    if not markup.may_lead(url):
        return _credited(inside, fields)
    if markup.same_picture(url, inside.url):
        return _credited(Image(url, inside.alt, inside.caption, inside.credit), fields)
    caption, credit = markup.split_credit(_media_caption(fields), "")
    return _credited(Image(url, caption=caption, credit=credit), fields)


def _credited(image: Image, fields: Fields) -> Image:
    given = next((str(c["content"]) for c in _list(fields, "media_credit") if c.get("content")), "")
    given = given or _text(fields, "photographer")
    if not image.url or image.credit or not given:
        return image
    return Image(image.url, image.alt, image.caption, given)


def _media(fields: Fields) -> str:
    """Return the best of media:content, otherwise of media:thumbnail (also inside media:group)."""
    contents = [
        part
        for part in _list(fields, "media_content")
        if part.get("medium", "image") == "image"
        and str(part.get("type", "image/")).startswith("image/")
    ]
    for parts in (contents, _list(fields, "media_thumbnail")):
        found = [(_width(part), str(part.get("url", "")).strip()) for part in parts]
        wide = [pair for pair in found if markup.may_lead(pair[1]) and pair[0] >= markup.SMALLEST]
        if best := markup.best_width(wide):
            return best
    return ""


def _width(part: Fields) -> int:
    """Return a declared width in px; of undeclared ones 300 is assumed."""
    value = str(part.get("width", "")).strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 300


def _media_caption(fields: Fields) -> str:
    return next(
        (_text(c, "caption") for c in _list(fields, "media_content") if c.get("caption")), ""
    )


def _enclosure(fields: Fields) -> str:
    links = [part for part in _list(fields, "links") if part.get("rel") == "enclosure"]
    for part in links:
        url, kind = str(part.get("href", "")), str(part.get("type", ""))
        if kind.startswith("image/") or (not kind and _PICTURE_END.search(url)):
            return url
    return ""


def _named(fields: Fields) -> str:
    """Return itunes:image, an <image> of the entry, or the like that newsrooms make up."""
    image = fields.get("image")
    if isinstance(image, dict) and image.get("href"):
        return str(image["href"])
    for name in ("bigimage", "smallimage", "image", "thumbnail"):
        if (url := _text(fields, name)) and _PICTURE_END.search(url):
            return url
    return ""
