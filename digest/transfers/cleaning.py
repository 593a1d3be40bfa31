"""The HTML of a past issue: what belonged to its mail goes, the rest through our cleaner.

    without_mail_parts  hidden preview texts, merge tags, links to unsubscribe: theirs lead nowhere
    clean               the result through `articles.cleaning.body`: no script, style, form or pixel

Merge tags are Mailchimp's `*|UNSUB|*`, the `{{ … }}` and `{% … %}` of listmonk, Buttondown and
beehiiv, and Substack's `%%name%%`.
"""

import re
from collections import Counter
from contextlib import suppress
from html import unescape
from urllib.parse import urlsplit

from lxml import etree
from lxml.html import HtmlElement, document_fromstring

from digest.articles import cleaning
from digest.articles.plain_text import mend_references, shallow

# listmonk's `href="{{ TrackLink "https://…" . }}"` and `href="https://…@TrackLink"`.
_TRACKED = re.compile(r"\{\{-?\s*TrackLink\s+\"(https?://[^\"\s]{1,2000})\"[^{}]{0,40}\}\}")
_SUFFIX = "@TrackLink"
_MERGE_TAG = re.compile(
    r"\*\|[^|*]{1,300}\|\*|\{\{[^{}]{0,300}\}\}|\{%[^%]{0,300}%\}"
    r"|%%[\w:.-]{1,60}%%"
)
_MARK = "merge-tag.invalid"  # where a merge tag was, and where a link led to one
_MARK_AND_BLANK = re.compile(rf"[ \u00a0]*{re.escape(_MARK)}(?=[,.;:!?])")  # of "Hello NAME,"
# Parts of an address between its marks: an article may be about voter preferences, or opting out.
_OF_THE_MAIL = re.compile(
    r"(?:^|[/?&=.#])(?:[a-z]{1,20}[-_]){0,2}(?:unsub[\w-]*|opt[-_]?out|abmeld\w*|desabon\w*"
    r"|desinscri\w*|preferences|manage[-_]subscri\w*|view[-_]?in[-_]?browser)(?:[/?&=.#]|$)"
    r"|list-manage\.com/(?!track/)|/action/disable_email|mailchi\.mp/[^/]*/[^/]*\?e=",
    re.IGNORECASE,
)
_PICTURE = re.compile(r'<img\b[^>]*?\bsrc="([^"]{1,2000})"')
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all|max-height\s*:\s*0", re.IGNORECASE)
_HIDDEN_CLASSES = frozenset(
    {"mcnpreviewtext", "preheader", "subscription-widget-wrap", "subscription-widget", "kg-hidden"}
)


def clean(markup: str) -> str:
    """Return a past issue's HTML as it may be stored and shown; "" if nothing is left."""
    return cleaning.body(without_mail_parts(markup))


def without_mail_parts(markup: str) -> str:
    """Return the body of HTML without what only its mail had; nothing is made safe by this."""
    marked = _TRACKED.sub(r"\1", shallow(mend_references(markup))).replace(_SUFFIX, "")
    marked = _MERGE_TAG.sub(_MARK, marked)
    if not marked.strip():
        return ""
    with suppress(etree.ParserError, ValueError):
        root = document_fromstring(marked)
        for element in [row for row in root.iter() if _is_of_the_mail(row)]:
            _drop(element)
        body = root.find("body")
        tree = root if body is None else body
        marked = etree.tostring(tree, encoding="unicode", method="html")
    return _MARK_AND_BLANK.sub("", marked).replace(_MARK, "")


def picture_hosts(html: str) -> Counter[str]:
    """Return how many pictures of cleaned HTML come from which host."""
    return Counter(urlsplit(address).hostname or "" for address in _PICTURE.findall(html))


def first_picture(html: str) -> str:
    """Return the address of the first picture in cleaned HTML, or ""."""
    picture = _PICTURE.search(html)
    return unescape(picture[1]) if picture else ""


def _is_of_the_mail(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str):  # a comment, a processing instruction
        return False
    if element.tag == "a":
        address = element.get("href", "")
        return _MARK in address or bool(_OF_THE_MAIL.search(address))
    if _HIDDEN.search(element.get("style", "")[:2000]):
        return True
    return not _HIDDEN_CLASSES.isdisjoint(element.get("class", "").lower().split())


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None and element.tag != "body":
        element.drop_tree()
