"""Reads the one article on an HTML page: headline, lead image, byline and body.

1. Read what the page declares (`metadata`).
2. Remove what surrounds the article (`boilerplate`).
3. Let trafilatura find the prose.
4. Trim what looks like prose but is not from the end of it.
"""

import html
import re
from urllib.parse import urlsplit

import trafilatura
from lxml import etree
from lxml.html import HtmlElement, document_fromstring, fragment_fromstring

from digest.articles.errors import ParseError
from digest.articles.parsing import boilerplate, markup, metadata, pictures
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.parsing.metadata import Metadata
from digest.core.text import one_line, web_url

MAX_REPEATED_BLOCKS = 6  # blocks at the start of a body that may repeat headline, image or caption
MIN_PROSE = 200  # characters of prose; a page with less has no article to read

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(text: str, url: str = "") -> Document:
    """Parse a page; `url` is its address. Raises ParseError if there is no article on it."""
    page = parse_tree(text)
    details = metadata.read_metadata(page)
    published_at = details.published_at or metadata.guess_published(page, url)
    base = _base(page, url)
    _resolve(page, base)
    headline, title = _headline(page, details)
    boilerplate.remove_boilerplate(page, headline)
    _drop_other_articles(page, headline)
    lead = _lead(page, details, base)
    body = _body(page, url, details.site)
    if len(markup.text_of(body)) < MIN_PROSE:
        raise ParseError(f"No article was found on {url or 'this page'}: it holds too little text.")
    _drop_repeated(body, lead, title)
    entry = Entry(
        guid="",
        url=_address(details, base, url),
        title=html.escape(title, quote=False),
        summary=html.escape(details.description, quote=False),
        body_html=markup.serialize(body),
        byline=html.escape(details.byline, quote=False),
        section=html.escape(details.section, quote=False),
        tags=tuple(html.escape(tag, quote=False) for tag in details.tags),
        language=details.language,
        published_at=published_at,
        updated_at=details.updated_at,
        image=lead,
    )
    return Document(
        kind="page", title=html.escape(details.site or title, quote=False), site_url=base,
        language=details.language, entries=(entry,),
    )  # fmt: skip


def parse_tree(text: str) -> HtmlElement:
    """Parse HTML into a tree. Raises ParseError if that is impossible."""
    try:
        return document_fromstring(_CONTROLS.sub("", _DECLARATION.sub("", text, count=1)))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as cause:
        raise ParseError("This page is empty, or too broken to be read.") from cause


def read_title(text: str) -> str:
    """Return the text of <title>, at most 80 characters, or "" if there is none."""
    try:
        title = parse_tree(text).findtext(".//title")
    except ParseError:
        return ""
    return one_line(title or "", 80)


def _base(page: HtmlElement, url: str) -> str:
    """Return the address that relative links refer to: <base href>, otherwise the page's."""
    base = next((element.get("href", "") for element in page.iter("base")), "")
    return markup.absolute_url(base, url) if base else url


def _resolve(page: HtmlElement, base: str) -> None:
    """Make addresses absolute and give lazily loaded images their source, in place."""
    for noscript in page.xpath("//noscript[.//img]"):
        fallbacks = set(noscript.iter("img"))
        beside = (i for i in noscript.getparent().iter("img") if i not in fallbacks)
        if not any(markup.is_content_image(image) for image in beside):
            noscript.drop_tag()
    pictures.choose_sources(page)
    markup.make_absolute(page, base)


def _address(details: Metadata, base: str, url: str) -> str:
    """Return the declared canonical address if it is an article's on the same site, else `url`."""
    canonical = web_url(markup.absolute_url(details.url, base)) if details.url else ""
    try:
        page, target = urlsplit(url), urlsplit(canonical)
    except ValueError:
        return url
    same_site = target.netloc.removeprefix("www.") == page.netloc.removeprefix("www.")
    return canonical if canonical and same_site and target.path.strip("/") else url


def _headline(page: HtmlElement, details: Metadata) -> tuple[HtmlElement | None, str]:
    """Return the element that holds the headline, and the headline.

    A page may have several h1 elements, and the declared title may be written for search engines or
    end with the site's name. The h1 that agrees best with the declared title is the headline.
    """
    declared = details.headline or one_line(page.findtext(".//title") or "")
    title_words = _tokens(declared)
    for tag, min_score in (("h1", 0.2), ("h2", 0.6)):
        scores = [(_similarity(element, title_words), element) for element in page.iter(tag)]
        score, best = max(scores, key=lambda pair: pair[0], default=(0.0, None))
        if best is not None and score >= min_score:
            return best, markup.text_of(best)
    return None, declared


def _similarity(element: HtmlElement, title_words: set[str]) -> float:
    heading_words = _tokens(markup.text_of(element))
    return len(heading_words & title_words) / max(len(heading_words), 3)


def _tokens(title: str) -> set[str]:
    return set(re.findall(r"\w+", title.lower()))


def _drop_other_articles(page: HtmlElement, headline: HtmlElement | None) -> None:
    """If the page holds several whole articles, keep only the one under the headline."""
    articles = page.xpath("//article[not(ancestor::article)]")
    if headline is None or len(articles) < 2:
        return
    own = next((a for a in articles if a in headline.iterancestors()), None)
    if own is None or boilerplate.prose_length(own) < MIN_PROSE:
        return
    for article in articles:
        if article is not own:
            article.drop_tree()


def _lead(page: HtmlElement, details: Metadata, base: str) -> Image:
    """Return the lead image: the declared one as the page shows it, else the first on the page."""
    urls = [markup.absolute_url(url, base) for url in details.images]
    urls = [url for url in urls if markup.can_lead(url)]
    pictures = [picture for picture in page.iter("img") if markup.is_content_image(picture)]
    for url in urls:
        same = [p for p in pictures if markup.is_same_picture(p.get("src", ""), url)]
        images = [markup.describe_image(picture) for picture in same]
        if best := max(images, key=lambda i: bool(i.caption) + bool(i.credit), default=None):
            return _add_caption(Image(url, best.alt, best.caption, best.credit), page, details)
    first = [markup.describe_image(picture) for picture in pictures[:3]]
    if with_caption := next((image for image in first if image.caption), None):
        return with_caption
    if urls:
        return _add_caption(Image(urls[0], details.image_alt), page, details)
    return first[0] if first else Image()


def _add_caption(image: Image, page: HtmlElement, details: Metadata) -> Image:
    """Return the image with a caption from elsewhere on the page if it has none of its own."""
    if image.caption or image.credit:
        return image
    caption, credit = markup.find_loose_caption(page)
    if not caption:
        caption, credit = markup.split_credit(details.image_caption, "")
    return Image(image.url, image.alt, caption, credit)


def _body(page: HtmlElement, url: str, site: str) -> HtmlElement:
    """Return the article's prose as a tree of its own."""
    document = trafilatura.extract(
        page,
        url=url or None,
        output_format="html",
        include_comments=False,
        include_images=True,
        include_links=True,
        include_formatting=True,
        favor_precision=True,
    )
    inside = re.sub(r"\A.*?<body[^>]*>|</body>.*\Z", "", document or "", flags=re.DOTALL)
    body = fragment_fromstring(inside, create_parent="div")
    boilerplate.trim_end(body, site)
    return body


def _drop_repeated(body: HtmlElement, lead: Image, title: str) -> None:
    """Drop headline, lead image and its caption from the start of the body: they stand above it."""
    repeated = {title, lead.caption, lead.credit, one_line(f"{lead.caption} {lead.credit}")} - {""}
    for position, block in enumerate(list(body)):
        picture = block if block.tag == "img" else block.find(".//img")
        text = markup.text_of(block)
        address = "" if picture is None else picture.get("src", "")
        is_lead = not text and markup.is_same_picture(address, lead.url)
        near_top = position < MAX_REPEATED_BLOCKS
        if text == lead.credit != "" or (near_top and (text in repeated or is_lead)):
            block.drop_tree()
