"""From a stranger's HTML to what may stand in a mail, a page and a header.

`cleaned` is the stage of its own between parsing and storing: bodies through an allow-list, titles
to one safe line, a summary for every entry that has a body. The functions it uses serve others too:
`body`, `text`, `line`, `first_sentences`.
"""

import html
import re
import unicodedata
from dataclasses import replace
from urllib.parse import urlsplit

import nh3
from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from digest.articles.models import LONGEST_URL
from digest.articles.parsing.base import Document, Entry, Image

LONGEST_SUMMARY = 600  # longer ones are whole articles in the wrong element
SUMMARY = 280  # characters of a summary that we make ourselves
LONGEST_TITLE = 1000
LONGEST_LINE = 2000
MOST_TAGS = 50

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s",
    "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "time", "tr", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "img": {"src", "alt", "title", "width", "height"},
    "li": {"value"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_WITH_CONTENT = {
    "script", "style", "iframe", "object", "embed", "form", "button", "select", "textarea",
    "noscript", "template", "svg", "math", "head", "title", "video", "audio", "canvas", "map",
}  # fmt: skip
_WEB = {"http", "https"}
_LINKS = _WEB | {"mailto"}

_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "div", "dl", "dt",
    "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
_TRACKERS = re.compile(
    r"//(?:pixel\.wp\.com|stats\.wordpress\.com|[^/]*feedburner\.com/~|[^/]*feedsportal\.com"
    r"|[^/]*doubleclick\.net|[^/]*vgwort\.de|[^/]*vg\d\d\.met|cpx\.)",
    re.IGNORECASE,
)

# What blogging software adds to the end of a teaser.
_TAIL = re.compile(
    r"\s*(?:"
    r"The post\s.{1,300}\s(?:appeared first on|first appeared on)\s.{1,200}"
    r"|(?:Continue reading|Read more|Read (?:the )?full (?:story|article)[^.]{0,80}?|Weiterlesen|"
    r"Lire la suite|Leer más|Seguir leyendo|Continua a leggere)\s*(?:\.{3}|…|→|»|>>)?"
    r"|\[(?:mehr|more|…|\.{3})\]|Related:\s.{1,200}"
    r")\s*\Z",
    re.IGNORECASE | re.DOTALL,
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


def cleaned(document: Document) -> Document:
    """Return the document with everything in it safe to store and show."""
    return replace(
        document,
        title=line(text(document.title))[:300],
        site_url=web_url(document.site_url),
        language=language(document.language),
        entries=tuple(entry(found) for found in document.entries),
    )


def entry(found: Entry) -> Entry:
    """Return one entry cleaned; an entry without a title is named by its first sentence."""
    safe = body(found.body_html)
    prose = text(safe)
    summary = _summary(found.summary, prose)
    return replace(
        found,
        guid=line(found.guid)[:LONGEST_LINE],
        url=web_url(found.url),
        title=title(found.title) or first_sentences(summary, 120) or line(found.url),
        summary=summary,
        body_html=safe,
        byline=byline(found.byline),
        section=line(text(found.section))[:200],
        tags=_tags(found.tags),
        language=language(found.language),
        image=_image(found.image),
    )


def body(markup: str) -> str:
    """Return HTML through the allow-list: prose, tables, figures, links to http, https, mailto.

    No style, class, script, frame, form, event handler; no image under 3 px (they count readers).
    Relative URLs are dropped: a parser has made absolute what it could.
    """
    safe = _NARROW.clean(markup)
    if not safe.strip():
        return ""
    return _tidied(safe)


def text(markup: str) -> str:
    """Return HTML as plain text: blocks on lines of their own, entities decoded once."""
    if "<" in markup:
        # Nothing but block tags is left, and every other "<" is escaped, so one pattern suffices.
        markup = _TAG.sub("\n", _BONES.clean(markup))
    plain = _printable(html.unescape(markup).replace("\xa0", " "))
    lines = (" ".join(part.split()) for part in plain.split("\n"))
    return "\n".join(part for part in lines if part)


def line(value: str, longest: int = LONGEST_LINE) -> str:
    """Return plain text on one line, safe in a header: no CR, LF, U+2028 or control character."""
    return " ".join(_printable(value).split())[:longest].rstrip()


def title(markup: str) -> str:
    """Return a headline: tags stripped, entities decoded once, on one line."""
    return line(text(markup), LONGEST_TITLE)


def byline(markup: str) -> str:
    """Return who wrote it, without the "By" that templates add themselves."""
    who = line(text(markup))
    return re.sub(r"\A(?:by|von|par|por)\s+(?=\S)", "", who, flags=re.IGNORECASE)


def language(tag: str) -> str:
    """Return a language tag (BCP 47) such as `en-GB`, or "" for what is none."""
    tag = tag.strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", tag) else ""


def web_url(url: str) -> str:
    """Return an absolute http or https URL, or "" for anything else."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    sound = parts.scheme.lower() in _WEB and parts.netloc and len(url) <= LONGEST_URL
    return url if sound and url.isprintable() and " " not in url else ""


def first_sentences(prose: str, limit: int = SUMMARY) -> str:
    """Return the first whole sentences of plain text, at most `limit` characters.

    One sentence longer than that is cut at a word, with an ellipsis. Abbreviations, initials and
    ordinals ("Dr.", "U.S.", "3.") end no sentence; the marks of Chinese, Japanese, Arabic, Urdu and
    Hindi do.
    """
    flat = " ".join(prose.split())
    if len(flat) <= limit:
        return flat
    end = 0
    for mark in _SENTENCE_END.finditer(flat, 0, limit + 1):
        if mark.end() > limit:
            break
        if not _ABBREVIATION.search(flat[max(0, mark.end() - 12) : mark.end()]):
            end = mark.end()
    return flat[:end] if end else _cut(flat, limit)


def _cut(flat: str, limit: int) -> str:
    head = flat[: limit - 1]
    space = head.rfind(" ")
    # Scripts written without spaces are cut where the room ends.
    head = head[:space] if space > limit // 2 else head
    return head.rstrip(" ,;:–—-") + "…"  # noqa: RUF001  dashes that writers use


def _summary(markup: str, prose: str) -> str:
    given = " ".join(text(markup).split())
    head, tail = given[:-LONGEST_SUMMARY], given[-LONGEST_SUMMARY:]
    given = head + _TAIL.sub("", _TAIL.sub("", tail))
    if not given:
        return first_sentences(prose)
    return given if len(given) <= LONGEST_SUMMARY else first_sentences(given)


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    found = (line(text(tag))[:200] for tag in tags)
    return tuple(dict.fromkeys(tag for tag in found if tag))[:MOST_TAGS]


def _image(image: Image) -> Image:
    url = web_url(image.url)
    if not url:
        return Image()
    return Image(url, *(line(text(part)) for part in (image.alt, image.caption, image.credit)))


def _printable(value: str) -> str:
    """Turn separators into line feeds and drop what cannot be seen or stored.

    U+2028, U+0085 and their kin start a new line in some mail programs; bidi overrides can make a
    link or a name read as another; PostgreSQL refuses NUL. ZWJ, ZWNJ and bidi marks stay: Persian,
    Hindi and emoji need them.
    """
    if value.isascii() and value.isprintable():
        return value
    value = re.sub(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", value).replace("\t", " ")
    return "".join(c for c in value if c == "\n" or not _hidden(c))


def _hidden(c: str) -> bool:
    return unicodedata.category(c) in {"Cc", "Cs"} or c in "\ufeff\u202a\u202b\u202c\u202d\u202e"


_NARROW = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    url_schemes=_LINKS,
    link_rel=None,
    url_relative="deny",
)
_BONES = nh3.Cleaner(tags=_BLOCKS, clean_content_tags=_WITH_CONTENT, attributes={}, link_rel=None)
_TAG = re.compile(r"<[^>]*>")


def _tidied(safe: str) -> str:
    """Drop tracking pixels, images without a source, and what is left empty by that."""
    root = fragment_fromstring(_printable(safe), create_parent="div")
    for image in list(root.iter("img")):
        if not image.get("src") or is_pixel(image):
            image.drop_tree()
    for tag in ("a", "figure", "span", "p", "li", "div"):
        for element in [e for e in root.iter(tag) if e is not root and _is_empty(e)]:
            element.drop_tree()
    return _inner(root).strip()


def is_pixel(image: HtmlElement) -> bool:
    """Say whether an image counts readers: too small to be seen, or from a known counter."""
    if _TRACKERS.search(image.get("src", "")):
        return True
    sizes = (image.get("width", ""), image.get("height", ""))
    return any(re.fullmatch(r"\s*[0-2](?:\.\d+)?(?:px)?\s*", size) for size in sizes)


def _is_empty(element: HtmlElement) -> bool:
    return not len(element) and not (element.text or "").strip()


def _inner(root: HtmlElement) -> str:
    inside = "".join(etree.tostring(e, encoding="unicode", method="html") for e in root)
    return html.escape(root.text or "", quote=False) + inside
