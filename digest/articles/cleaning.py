"""From a stranger's HTML to what may stand in a mail, a page and a header.

`cleaned` is the stage of its own between parsing and storing: bodies through an allow-list, titles
to one safe line, a summary for every entry that has a body. The functions it uses serve others too:
`body`, `text`, `line`, `first_sentences`.
"""

import html
import re
from dataclasses import replace

from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from digest.articles.headlines import headline, is_cut_off, name_entry, same_words, without_title
from digest.articles.parsing.base import Document, Entry, Image, readable_entries
from digest.articles.parsing.bylines import clean_byline
from digest.articles.parsing.shortcodes import without_shortcodes
from digest.articles.plain_text import (
    first_sentences,
    html_cleaner,
    is_pixel,
    mend_references,
    shallow,
    text,
)
from digest.articles.tails import without_credit_line, without_tail
from digest.core.languages import is_tag
from digest.core.text import LONGEST_LINE, WEB_SCHEMES, one_line, printable, web_url

__all__ = ["body", "cleaned", "first_sentences", "one_line", "text"]

LONGEST_SUMMARY = 600  # longer ones are whole articles in the wrong element
LONGEST_TEXT = 5000  # characters of a body that a summary is made of
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

_FIRST_HEADING = re.compile(r"\s*(?:<div>\s*)?<(h[1-6])>(.{1,2000}?)</\1>", re.DOTALL)

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
    """Return the document with everything in it safe to store and show.

    An entry that cannot be cleaned is left out.
    """
    site_url, site_title = web_url(document.site_url), headline(document.title)[:300]
    return replace(
        document,
        title=site_title,
        site_url=site_url,
        new_url=web_url(document.new_url),
        language=language(document.language),
        entries=tuple(
            readable_entries(document.entries, lambda raw: entry(raw, site_url, site_title))
        ),
    )


def entry(raw_entry: Entry, site_url: str = "", site_title: str = "") -> Entry:
    """Return one entry cleaned; an entry without a title is named by its text or its picture.

    `site_url` and `site_title` are its site's, or "".
    """
    url = web_url(raw_entry.url)
    safe_title = headline(raw_entry.title)
    safe = _without_title(body(without_tail(raw_entry.body_html, url, site_url)), safe_title)
    plain = without_credit_line(text(safe, figures=False), safe_title, site_title)
    summary = _summary(without_tail(raw_entry.summary, url, site_url), plain, safe_title)
    clean = replace(
        raw_entry,
        guid=one_line(raw_entry.guid)[:LONGEST_LINE],
        url=url,
        title=safe_title,
        summary=without_credit_line(summary, safe_title, site_title),
        body_html=safe,
        byline=clean_byline(raw_entry.byline),
        section=one_line(text(raw_entry.section))[:200],
        tags=_tags(raw_entry.tags),
        language=language(raw_entry.language),
        image=_image(raw_entry.image),
    )
    return name_entry(clean, fallback=url or one_line(raw_entry.url))


def body(markup: str) -> str:
    """Return HTML through the allow-list: prose, tables, figures, links to http, https, mailto.

    No style, class, script, frame, form, event handler; no image under 3 px (they count
    subscribers). Relative URLs are dropped: a parser has made absolute what it could.
    """
    safe = _NARROW.clean(shallow(without_shortcodes(mend_references(markup))))
    if not safe.strip():
        return ""
    return _tidied(safe)


def language(tag: str) -> str:
    """Return a language tag (BCP 47) such as `en-GB`, or "" if it is not one."""
    tag = tag.strip().replace("_", "-")
    return tag if is_tag(tag) else ""


def _summary(markup: str, body_text: str, title: str) -> str:
    title = "" if is_cut_off(title) else title  # the text may complete it
    plain = text(without_shortcodes(mend_references(markup)), figures=False)
    summary = " ".join(without_title(plain, title).split())
    head, tail = summary[:-LONGEST_SUMMARY], summary[-LONGEST_SUMMARY:]
    summary = head + _TAIL.sub("", _TAIL.sub("", tail))
    if not summary:
        return first_sentences(_TAIL.sub("", without_title(body_text, title)[:LONGEST_TEXT]))
    return summary if len(summary) <= LONGEST_SUMMARY else first_sentences(summary)


def _without_title(safe: str, title: str) -> str:
    """Return a body without a first heading that only repeats the title."""
    heading = _FIRST_HEADING.match(safe)
    if heading and title and same_words(text(heading[2]), title):
        return safe[heading.end() :].lstrip()
    return safe


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    names = (one_line(text(tag))[:200] for tag in tags)
    return tuple(dict.fromkeys(tag for tag in names if tag))[:MOST_TAGS]


def _image(image: Image) -> Image:
    url = web_url(image.url)
    if not url:
        return Image()
    return Image(url, *(one_line(text(part)) for part in (image.alt, image.caption, image.credit)))


_NARROW = html_cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_LINKS, url_relative="deny")


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
