"""Repairs the XML of feeds, so that one character does not cost the whole feed.

`repair` cuts away what surrounds the root element, mends references and angle brackets that XML
forbids, and declares the namespaces that are used without it. `split_items` cuts a feed that is
still broken into one document for each item. Both take time in proportion to the text.
"""

import html
import re
from collections.abc import Iterator

from digest.articles.plain_text import mend_reference

_ROOT = re.compile(r"<((?:[\w.-]{1,30}:)?(?:rss|feed|rdf|entry))\b", re.IGNORECASE)
_ITEM_END = re.compile(r"</(?:\w{1,30}:)?(?:item|entry)\s*>", re.IGNORECASE)
_ITEM_START = re.compile(r"<(?:\w{1,30}:)?(?:item|entry)[\s>]", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# With this default namespace feedparser's strict parser finds no items.
_USERLAND = re.compile(r"""\sxmlns=["']http://backend\.userland\.com/rss2?["']""")

# What stays as it is, and what may have to be mended, in one pass.
_PART = re.compile(
    r"(?P<kept><!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z))"
    r"|(?P<pair>&\#(?:x0*[dD][89abAB][\da-fA-F]{2}|0*5[56]\d{3});&\#x?0*[\da-fA-F]{4,5};)"
    r"|(?P<reference>&(?:\#x[\da-fA-F]++|\#\d++|[a-zA-Z][a-zA-Z\d]{0,40})?;?)"
    r"|(?P<bracket><(?![a-zA-Z_/!?])|\]\]>)",
    re.DOTALL,
)
_CDATA = "<![CDATA["
_OPENED = re.compile(r"<([\w:.-]{1,60})(?:\s[^<>]{0,200})?>\s{0,20}\Z")
_MOST_MENDED = 2000  # CDATA sections that are looked at
# An element of text only that the next element begins in, as its end tag is missing.
_FLAT = "title|link|guid|pubDate|author|category|dc:creator|dc:date"
_UNCLOSED = re.compile(
    rf"(<({_FLAT})>[^<]*+)(?=<(?:{_FLAT}|description|content:encoded|enclosure|/?item|/channel)\b)",
    re.IGNORECASE,
)
_PREDEFINED = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}

_HIDDEN = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_PREFIX = re.compile(r"(?:</?|\s)([a-zA-Z_][\w.-]{0,30}):[a-zA-Z_][\w.-]{0,60}(?=[\s=/>])")
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/rss/1.0/modules/threading/",
    "wfw": "http://wellformedweb.org/commentAPI/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xlink": "http://www.w3.org/1999/xlink",
}


def repair(text: str) -> str:
    """Return a feed's XML from its root element on, with what XML forbids mended.

    The document type goes with the rest before the root: its entities can expand a thousandfold.
    The entities of HTML become their characters, invalid references go, and a bare `&` or `<` is
    escaped. Nothing inside CDATA changes but control characters.
    """
    text = _CONTROLS.sub("", text)
    root = _ROOT.search(text)
    if root is None:
        return text.strip()
    text = _USERLAND.sub("", text[root.start() :], count=1)
    text = _without_rest(_close_comment(_close_cdata(text)), root[1])
    return _declare_prefixes(_UNCLOSED.sub(r"\1</\2>", _PART.sub(_mend, text)))


def root_name(text: str) -> str:
    """Return the name of the root element of repaired XML, with its prefix, or "" without one."""
    root = _ROOT.match(text)
    return root[1] if root else ""


def is_truncated(text: str) -> bool:
    """Return whether the root element of repaired XML is never closed."""
    name = root_name(text)
    return bool(name) and f"</{name}" not in text


def close(text: str) -> str:
    """Return repaired XML; if it is truncated, closed after its last complete entry."""
    if not is_truncated(text):
        return text
    ends = [match.end() for match in _ITEM_END.finditer(text)]
    if not ends:
        start = _ITEM_START.search(text)
        return text[: start.start()] if start else text
    return text[: ends[-1]] + _closing(text[: ends[-1]])


def count_items(text: str) -> int:
    """Return how many items or entries repaired XML begins, outside of CDATA and comments."""
    return sum(1 for _ in _ITEM_START.finditer(_HIDDEN.sub("", text)))


def split_items(text: str, most: int) -> Iterator[str]:
    """Yield a feed's head as a document without items, then one document for each item."""
    starts = [match.start() for match in _ITEM_START.finditer(text)]
    if not starts:
        return
    head = text[: starts[0]]
    yield head + _closing(head)
    opening = text[: text.find(">") + 1] + ("<channel>" if _channel_is_open(head) else "")
    for start, stop in zip(starts[:most], [*starts[1:], len(text)], strict=False):
        end = _ITEM_END.search(text, start, stop)
        if end:
            yield opening + text[start : end.end()] + _closing(opening)


def _closing(text: str) -> str:
    """Return the end tags of the elements that are open around a feed's items."""
    return ("</channel>" if _channel_is_open(text) else "") + f"</{root_name(text)}>"


def _channel_is_open(text: str) -> bool:
    return "<channel" in text and "</channel" not in text


def _without_rest(text: str, root: str) -> str:
    """Return the text without what follows the root element, such as a server's notes."""
    end = text.rfind(f"</{root}")
    stop = text.find(">", end)
    return text[: stop + 1] if end >= 0 and stop >= 0 else text


def _close_cdata(text: str) -> str:
    """Close CDATA that swallows the rest of its item: before the end tag of its own element."""
    pieces, place = [], 0
    for _ in range(_MOST_MENDED):
        start = text.find(_CDATA, place)
        end = text.find("]]>", start)
        if start < 0:
            break
        stop = len(text) if end < 0 else end
        if end >= 0 and not _ITEM_END.search(text, start, stop):
            place_after = end + 3
            pieces.append(text[place:place_after])
            place = place_after
            continue
        element = _OPENED.search(text, max(0, start - 300), start)
        own_end = text.find(f"</{element[1]}", start) if element else -1
        if not start < own_end < stop:
            break
        pieces += [text[place:own_end], "]]>"]
        place = own_end
    return "".join([*pieces, text[place:]])


def _close_comment(text: str) -> str:
    """Drop the beginning of a comment that has no end."""
    end = text.rfind("-->") + 1
    return text[:end] + text[end:].replace("<!--", "")


def _mend(part: re.Match[str]) -> str:
    text = part[0]
    if part["kept"]:
        return "" if text.startswith("<?") else text
    if part["bracket"]:
        return html.escape(text, quote=False)
    if text in _PREDEFINED:
        return text
    mended = mend_reference(text)
    if mended == text:  # an entity that nobody knows, or a bare "&"
        return f"&amp;{text[1:]}"
    return html.escape(mended, quote=False)


def _declare_prefixes(text: str) -> str:
    """Declare on the root element every namespace prefix that is used and not declared there."""
    stop = text.find(">")
    root = _ROOT.match(text)
    if stop < 0 or root is None:
        return text
    used = set(_PREFIX.findall(_HIDDEN.sub("", text))) - {"xml", "xmlns"}
    declarations = "".join(
        f' xmlns:{prefix}="{_NAMESPACES.get(prefix.lower(), f"urn:undeclared:{prefix}")}"'
        for prefix in sorted(used)[:50]
        if not re.search(rf"\sxmlns:{re.escape(prefix)}\s*=", text[:stop])
    )
    return text[: root.end()] + declarations + text[root.end() :]
