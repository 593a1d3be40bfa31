"""Plain text out of a stranger's HTML, and small facts about it; for parsers and for cleaning."""

import html
import re
from functools import partial
from html.entities import html5

import nh3
from lxml.html import HtmlElement

from digest.core.text import printable

SUMMARY = 280  # characters of a summary that we make ourselves

# What is dropped whole, not only its tags.
WITH_CONTENT = {
    "script", "style", "iframe", "object", "embed", "form", "button", "select", "textarea",
    "noscript", "template", "svg", "math", "head", "title", "video", "audio", "canvas", "map",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt",
    "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
# Links stay as they are.
html_cleaner = partial(nh3.Cleaner, clean_content_tags=WITH_CONTENT, link_rel=None)
_FIGURES = {"figure", "figcaption"}
_BONES = html_cleaner(tags=_BLOCKS, attributes={})
_FLESH = html_cleaner(
    tags=_BLOCKS - _FIGURES, clean_content_tags=WITH_CONTENT | _FIGURES, attributes={}
)
_TAG = re.compile(r"<[^>]*>")

_TRACKERS = re.compile(
    r"//(?:pixel\.wp\.com|stats\.wordpress\.com|[^/]*feedburner\.com/~|[^/]*feedsportal\.com"
    r"|[^/]*doubleclick\.net|[^/]*vgwort\.de|[^/]*vg\d\d\.met|cpx\.)",
    re.IGNORECASE,
)

# Sentences end after these marks; closing quotes and brackets belong to them. Full-width marks
# need no space after them, the others do.
_SENTENCE_END = re.compile(
    r"[.!?…؟۔।]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*",  # noqa: RUF001  the marks of other scripts are the point
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:"  # noqa: RUF001  quotation marks that writers use
    r"(?:[^\W\d_]\.)+|[^\W\d_]\.|"
    r"(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Gen|Col|Lt|Sgt|Capt|Sen|Rep|Gov|Pres|Rev|Hon|No|Nos|Nr|vs|etc|"
    r"Inc|Ltd|Co|Corp|Bros|approx|ca|bzw|usw|z\.B|d\.h|u\.a|Abs|Art|Mio|Mrd|Tel|Ave|Blvd|Rd|Jan|"
    r"Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Okt|Nov|Dec|Dez|Mme|Mlle|Sra|Dra|Ud|Uds|pág|núm)\.|"
    r"\d{1,2}\."
    r")\Z",
    re.IGNORECASE,
)

LONGEST_MARKUP = 250_000  # characters of one text; the longest reads have a third of it
DEEPEST = 200  # levels; an article has twenty
_NESTING = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FLAT = {
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "option", "p", "param", "path", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track",
    "wbr",
}  # fmt: skip


_REFERENCE = re.compile(
    r"&#(?:x0*[dD][89abAB][\da-fA-F]{2}|0*5[56]\d{3});&#x?0*[\da-fA-F]{4,5};|&#(?:x[\da-fA-F]++|\d++);?"
)


def mend_references(markup: str) -> str:
    """Return HTML with numeric references that name no character mended; see mend_reference."""
    return _REFERENCE.sub(_mended, markup) if "&#" in markup else markup


def mend_reference(reference: str) -> str:
    """Return the characters that a reference stands for, "" if it names none, as HTML reads it.

    Two references to the halves of a surrogate pair are one character; &#128; to &#159; are those
    of windows-1252 (HTML §13.2.5.80). A name that HTML does not know stays as it is.
    """
    if not reference.startswith("&#"):
        return html5.get(reference[1:], reference) if reference.endswith(";") else reference
    codes = [
        int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        for digits in re.findall(r"&#([xX][\da-fA-F]{1,12}|\d{1,12})(?![\da-fA-F])", reference)
    ]
    if len(codes) == 2 and 0xD800 <= codes[0] < 0xDC00 <= codes[1] < 0xE000:
        return chr(0x10000 + ((codes[0] - 0xD800) << 10) + (codes[1] - 0xDC00))
    return "".join(_character(code) for code in codes)


def _mended(reference: re.Match[str]) -> str:
    """Return a reference as it is if it is sound, else its characters, escaped."""
    text = mend_reference(reference[0])
    return html.escape(text) if len(text) != 1 or ord(text) > 0xFFFF else reference[0]


def _character(code: int) -> str:
    if code == 0 or code >= 0x110000 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return ""
    character = html.unescape(f"&#{code};")
    return character if character.isprintable() or character in "\t\n\r\xa0" else _invisible(code)


def _invisible(code: int) -> str:
    return "" if code < 0xA0 else chr(code)


def shallow(markup: str) -> str:
    """Return HTML as it is, or without any tags if it nests deeper than any article does.

    nh3 takes time with the square of the depth: a megabyte of `<div>` would keep it busy for hours.
    Elements that HTML closes by itself are not counted. So it does with bare `&`, millions of which
    fit into a feed: what is longer than LONGEST_MARKUP is cut.
    """
    markup = markup[:LONGEST_MARKUP]
    depth = 0
    for tag in _NESTING.finditer(markup):
        if tag[2].lower() not in _FLAT:
            depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > DEEPEST:
            return html.escape(html.unescape(re.sub(r"<[^<>]*>", " ", markup)))
    return markup


def text(markup: str, *, figures: bool = True) -> str:
    """Return HTML as plain text: blocks on lines of their own, entities decoded once.

    With `figures` off, captions are left out.
    """
    if "<" in markup:
        # Nothing but block tags is left, and every other "<" is escaped, so one pattern suffices.
        markup = _TAG.sub("\n", (_BONES if figures else _FLESH).clean(shallow(markup)))
    plain = printable(html.unescape(markup).replace("\xa0", " "))
    lines = (" ".join(part.split()) for part in plain.split("\n"))
    return "\n".join(part for part in lines if part)


def first_sentences(paragraphs: str, limit: int = SUMMARY) -> str:
    """Return the first whole sentences of plain text, at most `limit` characters.

    One sentence longer than that is cut at a word, with an ellipsis. Abbreviations, initials and
    ordinals ("Dr.", "U.S.", "3.") end no sentence, nor does a mark before a small letter; the marks
    of Chinese, Japanese, Arabic, Urdu and Hindi do.
    """
    flat = " ".join(paragraphs.split())
    if len(flat) <= limit:
        return flat
    end = 0
    for mark in _SENTENCE_END.finditer(flat, 0, limit + 1):
        if mark.end() > limit:
            break
        goes_on = flat[mark.end() : mark.end() + 2].strip()[:1].islower()
        if not goes_on and not _ABBREVIATION.search(flat[max(0, mark.end() - 12) : mark.end()]):
            end = mark.end()
    return flat[:end] if end else _cut(flat, limit)


def _cut(flat: str, limit: int) -> str:
    head = flat[: limit - 1]
    space = len(head) if flat[limit - 1] == " " else head.rfind(" ")
    # Scripts written without spaces are cut where the room ends.
    head = head[:space] if space > limit // 2 else head
    return head.rstrip(" ,;:–—-") + "…"  # noqa: RUF001  dashes that writers use


def is_pixel(image: HtmlElement) -> bool:
    """Say whether an image counts readers: too small to be seen, or from a known counter."""
    if _TRACKERS.search(image.get("src", "")):
        return True
    sizes = (image.get("width", ""), image.get("height", ""))
    return any(re.fullmatch(r"\s*[0-2](?:\.\d+)?(?:px)?\s*", size) for size in sizes)
