"""An HTML page as the one article on it: headline, lead image, byline, body, and nothing else.

What the page declares (facts) is read first, then its furniture is pruned, then trafilatura finds
the prose, then what looks like prose and is furniture is trimmed off its end.
"""

import html
import re
from urllib.parse import urlsplit

import trafilatura
from lxml import etree
from lxml.html import HtmlElement, document_fromstring, fragment_fromstring

from digest.articles.errors import ParseError
from digest.articles.parsing import boilerplate, markup, metadata
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.parsing.metadata import Facts
from digest.articles.plain_text import line, web_url

ABOVE = 6  # blocks at a body's beginning that may repeat what stands above it
SHORTEST = 200  # characters of prose; a page with less has no article that we could read

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(text: str, url: str = "") -> Document:
    """Parse a page; `url` is its address. Raises ParseError where no article can be found on it."""
    page = tree(text)
    told = metadata.read(page)
    published_at = told.published_at or metadata.guess_published(page, url)
    base = _base(page, url)
    _resolve(page, base)
    headline, title = _headline(page, told)
    boilerplate.prune(page, headline)
    _keep_first(page, headline)
    lead = _lead(page, told, base)
    body = _body(page, url, told.site)
    if len(markup.words(body)) < SHORTEST:
        raise ParseError(f"No article was found on {url or 'this page'}: it holds too little text.")
    _drop_repeated(body, lead, title)
    entry = Entry(
        guid="",
        url=_address(told, base, url),
        title=html.escape(title, quote=False),
        summary=html.escape(told.description, quote=False),
        body_html=markup.serialised(body),
        byline=html.escape(told.byline, quote=False),
        section=html.escape(told.section, quote=False),
        tags=tuple(html.escape(tag, quote=False) for tag in told.tags),
        language=told.language,
        published_at=published_at,
        updated_at=told.updated_at,
        image=lead,
    )
    return Document(
        kind="page", title=html.escape(told.site or title, quote=False), site_url=base,
        language=told.language, entries=(entry,),
    )  # fmt: skip


def tree(text: str) -> HtmlElement:
    """Return a page's tree; raise ParseError if there is none."""
    try:
        return document_fromstring(_CONTROLS.sub("", _DECLARATION.sub("", text, count=1)))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as cause:
        raise ParseError("This page is empty or broken beyond reading.") from cause


def title_of(text: str) -> str:
    """Return what a page calls itself, at most 80 characters, or ""."""
    try:
        found = tree(text).findtext(".//title")
    except ParseError:
        return ""
    return line(found or "", 80)


def _base(page: HtmlElement, url: str) -> str:
    """Return what relative links are relative to: <base href>, otherwise the page."""
    given = next((e.get("href", "") for e in page.iter("base")), "")
    return markup.absolute(given, url) if given else url


def _resolve(page: HtmlElement, base: str) -> None:
    """Make the page's addresses absolute and its late-loading pictures real, in place."""
    for hidden in page.xpath("//noscript[.//img]"):
        inside = set(hidden.iter("img"))
        if not any(markup.may_show(p) for p in hidden.getparent().iter("img") if p not in inside):
            hidden.drop_tag()
    markup.wake(page)
    markup.make_absolute(page, base)


def _address(told: Facts, base: str, url: str) -> str:
    """Return the article's canonical address if it is one on the same site."""
    given = web_url(markup.absolute(told.url, base)) if told.url else ""
    try:
        mine, theirs = urlsplit(url), urlsplit(given)
    except ValueError:
        return url
    same_site = theirs.netloc.removeprefix("www.") == mine.netloc.removeprefix("www.")
    return given if given and same_site and theirs.path.strip("/") else url


def _headline(page: HtmlElement, told: Facts) -> tuple[HtmlElement | None, str]:
    """Return the element that holds the headline, and the headline.

    Pages have several h1, and the declared title is written for search engines, or has the site's
    name at its end. The h1 that agrees best with the declared title is the editors' own.
    """
    declared = told.headline or line(page.findtext(".//title") or "")
    wanted = _significant(declared)
    for tag, least in (("h1", 0.2), ("h2", 0.6)):
        found = [(_likeness(e, wanted), e) for e in page.iter(tag)]
        score, best = max(found, key=lambda pair: pair[0], default=(0.0, None))
        if best is not None and score >= least:
            return best, markup.words(best)
    return None, declared


def _likeness(element: HtmlElement, wanted: set[str]) -> float:
    words = _significant(markup.words(element))
    return len(words & wanted) / max(len(words), 3)


def _significant(title: str) -> set[str]:
    return set(re.findall(r"\w+", title.lower()))


def _keep_first(page: HtmlElement, headline: HtmlElement | None) -> None:
    """Of several whole articles on one page, keep the one under the headline."""
    articles = page.xpath("//article[not(ancestor::article)]")
    if headline is None or len(articles) < 2:
        return
    own = next((a for a in articles if a in headline.iterancestors()), None)
    if own is None or boilerplate.prose(own) < SHORTEST:
        return
    for article in articles:
        if article is not own:
            article.drop_tree()


def _lead(page: HtmlElement, told: Facts, base: str) -> Image:
    """Return the lead image: the declared one as the page shows it, or what it shows first."""
    declared = [markup.absolute(url, base) for url in told.images]
    declared = [url for url in declared if markup.may_lead(url)]
    shown = [p for p in page.iter("img") if markup.may_show(p)]
    for url in declared:
        alike = [p for p in shown if markup.same_picture(p.get("src", ""), url)]
        described = [markup.described(p) for p in alike]
        if best := max(described, key=lambda i: bool(i.caption) + bool(i.credit), default=None):
            return _captioned(Image(url, best.alt, best.caption, best.credit), page, told)
    if captioned := next((i for i in map(markup.described, shown[:3]) if i.caption), None):
        return captioned
    if declared:
        return _captioned(Image(declared[0], told.image_alt), page, told)
    return markup.described(shown[0]) if shown else Image()


def _captioned(image: Image, page: HtmlElement, told: Facts) -> Image:
    """Look for the caption elsewhere when none stands at the picture itself."""
    if image.caption or image.credit:
        return image
    caption, credit = markup.loose_caption(page)
    if not caption:
        caption, credit = markup.split_credit(told.image_caption, "")
    return Image(image.url, image.alt, caption, credit)


def _body(page: HtmlElement, url: str, site: str) -> HtmlElement:
    """Return the article's prose as a tree of its own."""
    found = trafilatura.extract(
        page,
        url=url or None,
        output_format="html",
        include_comments=False,
        include_images=True,
        include_links=True,
        include_formatting=True,
        favor_precision=True,
    )
    inside = re.sub(r"\A.*?<body[^>]*>|</body>.*\Z", "", found or "", flags=re.DOTALL)
    body = fragment_fromstring(inside, create_parent="div")
    boilerplate.trim(body, site)
    return body


def _drop_repeated(body: HtmlElement, lead: Image, title: str) -> None:
    """Drop headline, lead image and its caption from the body's beginning: they stand above it."""
    above = {title, lead.caption, lead.credit, line(f"{lead.caption} {lead.credit}")} - {""}
    for place, block in enumerate(list(body)):
        picture = block if block.tag == "img" else block.find(".//img")
        said = markup.words(block)
        shows_lead = picture is not None and markup.same_picture(picture.get("src", ""), lead.url)
        if said == lead.credit != "" or (
            place < ABOVE and (said in above or (shows_lead and not said))
        ):
            block.drop_tree()
