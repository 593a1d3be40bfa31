"""From a stranger's HTML to what may stand in a mail, a page and a header.

`cleaned` is the stage of its own between parsing and storing: bodies through an allow-list, titles
to one safe line, a summary for every entry that has a body. The functions it uses serve others too:
`body`, `text`, `line`, `first_sentences`.
"""

import html
import re
from dataclasses import replace

import nh3
from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.plain_text import WITH_CONTENT, first_sentences, is_pixel, shallow, text
from digest.core.languages import is_tag
from digest.core.text import LONGEST_LINE, WEB_SCHEMES, one_line, printable, web_url

__all__ = ["body", "cleaned", "first_sentences", "one_line", "text"]

LONGEST_SUMMARY = 600  # longer ones are whole articles in the wrong element
LONGEST_TITLE = 1000
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
_LINKS = WEB_SCHEMES | {"mailto"}

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


def cleaned(document: Document) -> Document:
    """Return the document with everything in it safe to store and show."""
    return replace(
        document,
        title=one_line(text(document.title))[:300],
        site_url=web_url(document.site_url),
        language=language(document.language),
        entries=tuple(entry(raw_entry) for raw_entry in document.entries),
    )


def entry(raw_entry: Entry) -> Entry:
    """Return one entry cleaned; an entry without a title is named by its first sentence."""
    safe = body(raw_entry.body_html)
    prose = text(safe, figures=False)
    summary = _summary(raw_entry.summary, prose)
    return replace(
        raw_entry,
        guid=one_line(raw_entry.guid)[:LONGEST_LINE],
        url=web_url(raw_entry.url),
        title=title(raw_entry.title) or first_sentences(summary, 120) or one_line(raw_entry.url),
        summary=summary,
        body_html=safe,
        byline=byline(raw_entry.byline),
        section=one_line(text(raw_entry.section))[:200],
        tags=_tags(raw_entry.tags),
        language=language(raw_entry.language),
        image=_image(raw_entry.image),
    )


def body(markup: str) -> str:
    """Return HTML through the allow-list: prose, tables, figures, links to http, https, mailto.

    No style, class, script, frame, form, event handler; no image under 3 px (they count
    subscribers). Relative URLs are dropped: a parser has made absolute what it could.
    """
    safe = _NARROW.clean(shallow(markup))
    if not safe.strip():
        return ""
    return _tidied(safe)


def title(markup: str) -> str:
    """Return a headline: tags stripped, entities decoded once, on one line."""
    return one_line(text(markup), LONGEST_TITLE)


def byline(markup: str) -> str:
    """Return who wrote it, without the "By" that templates add themselves."""
    name = one_line(text(markup))
    return re.sub(r"\A(?:by|von|par|por)\s+(?=\S)", "", name, flags=re.IGNORECASE)


def language(tag: str) -> str:
    """Return a language tag (BCP 47) such as `en-GB`, or "" if it is not one."""
    tag = tag.strip().replace("_", "-")
    return tag if is_tag(tag) else ""


def _summary(markup: str, prose: str) -> str:
    summary = " ".join(text(markup, figures=False).split())
    head, tail = summary[:-LONGEST_SUMMARY], summary[-LONGEST_SUMMARY:]
    summary = head + _TAIL.sub("", _TAIL.sub("", tail))
    if not summary:
        return first_sentences(prose)
    return summary if len(summary) <= LONGEST_SUMMARY else first_sentences(summary)


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    names = (one_line(text(tag))[:200] for tag in tags)
    return tuple(dict.fromkeys(tag for tag in names if tag))[:MOST_TAGS]


def _image(image: Image) -> Image:
    url = web_url(image.url)
    if not url:
        return Image()
    return Image(url, *(one_line(text(part)) for part in (image.alt, image.caption, image.credit)))


_NARROW = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=WITH_CONTENT,
    attributes=_ATTRIBUTES,
    url_schemes=_LINKS,
    link_rel=None,
    url_relative="deny",
)


def _tidied(safe: str) -> str:
    """Drop tracking pixels, images without a source, and what is left empty by that."""
    root = fragment_fromstring(printable(safe), create_parent="div")
    for image in list(root.iter("img")):
        if not image.get("src") or is_pixel(image):
            image.drop_tree()
    for tag in ("a", "figure", "span", "p", "li", "div"):
        for element in [e for e in root.iter(tag) if e is not root and _is_empty(e)]:
            element.drop_tree()
    return _inner(root).strip()


def _is_empty(element: HtmlElement) -> bool:
    return not len(element) and not (element.text or "").strip()


def _inner(root: HtmlElement) -> str:
    inside = "".join(etree.tostring(e, encoding="unicode", method="html") for e in root)
    return html.escape(root.text or "", quote=False) + inside
