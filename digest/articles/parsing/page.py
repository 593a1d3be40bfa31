"""Reads the one article on an HTML page: headline, lead image, byline and body.

1. Parse without comments, which would part the text around them.
2. Read what the page declares (`metadata`) and find its headline (`page_headline`).
3. Remove what surrounds the article (`boilerplate`), and take its pictures out (`figures`).
4. Let trafilatura find the prose.
5. Trim what looks like prose but is not from both ends of it, and put the pictures back.
"""

import html
import re
from dataclasses import replace
from itertools import islice
from urllib.parse import urlsplit

import trafilatura
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring, fragment_fromstring

from digest.articles.errors import ParseError
from digest.articles.parsing import (
    boilerplate,
    figures,
    markup,
    metadata,
    page_bylines,
    pictures,
    trees,
)
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.parsing.metadata import Metadata
from digest.articles.parsing.page_headline import drop_earlier_headings, find_headline
from digest.articles.plain_text import mend_references
from digest.core.text import one_line, web_url

MAX_DECLARED = 10  # images that a page declares, and times that it shows one
MAX_PICTURES = 500  # on a page
MAX_ELEMENTS = 20_000  # that are left once boilerplate is removed; the longest reads have 3,000
MAX_REPEATED_BLOCKS = 6  # blocks at the start of a body that may repeat the headline and the like
MAX_REPEATED = 2000  # characters of such a block

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(text: str, url: str = "") -> Document:
    """Parse a page; `url` is its address. Raises ParseError if there is no article on it."""
    page = parse_tree(text)
    details = metadata.read_metadata(page)
    published_at = details.published_at or metadata.guess_published(page, url)
    base = _base(page, url)
    _resolve(page, base)
    headline, title = find_headline(page, details, url)
    drop_earlier_headings(page, headline)
    boilerplate.remove_boilerplate(page, headline)
    _drop_other_articles(page, headline)
    lead = _lead(page, details, base)
    page_figures = figures.take_figures(page, headline)
    body = _body(page, url, details.site)
    if len(markup.text_of(body)) < boilerplate.MIN_TEXT:
        raise ParseError(f"No article was found on {url or 'this page'}: it holds too little text.")
    address = _address(details, base, url)
    _drop_repeated(body, lead, title, details.byline, {url, address})
    figures.restore(body, page_figures, lead)
    entry = Entry(
        guid="",
        url=address,
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
    source = mend_references(_CONTROLS.sub("", _DECLARATION.sub("", text, count=1)))
    try:
        parser = HTMLParser(remove_comments=True, remove_pis=True)
        return document_fromstring(source, parser=parser)
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
    _unwrap_fallbacks(page)
    pictures.choose_sources(page)
    pictures.replace_emoji(page)
    markup.make_absolute(page, base)


def _unwrap_fallbacks(page: HtmlElement) -> None:
    """Show the pictures in <noscript> elements whose parent shows no other, in place."""
    fallbacks = [noscript for noscript in page.iter("noscript") if len(noscript)]
    inside = {image for noscript in fallbacks for image in noscript.iter("img")}
    pictured: set[HtmlElement] = set()  # elements that hold a picture
    for image in page.iter("img"):
        if image not in inside and markup.is_content_image(image):
            _mark_ancestors(image, pictured)
    for noscript in fallbacks:
        image = next(noscript.iter("img"), None)
        if image is not None and noscript.getparent() not in pictured:
            noscript.tag = "span"
            if markup.is_content_image(image):
                _mark_ancestors(image, pictured)


def _mark_ancestors(image: HtmlElement, pictured: set[HtmlElement]) -> None:
    for ancestor in image.iterancestors():
        if ancestor in pictured:
            return
        pictured.add(ancestor)


def _address(details: Metadata, base: str, url: str) -> str:
    """Return the declared canonical address if it is an article's on the same site, else `url`."""
    canonical = web_url(markup.absolute_url(details.url, base)) if details.url else ""
    try:
        page, target = urlsplit(url), urlsplit(canonical)
    except ValueError:
        return url
    same_site = target.netloc.removeprefix("www.") == page.netloc.removeprefix("www.")
    return canonical if canonical and same_site and target.path.strip("/") else url


def _drop_other_articles(page: HtmlElement, headline: HtmlElement | None) -> None:
    """If the page holds several whole articles, keep only the one under the headline."""
    articles = page.xpath("//article[not(ancestor::article)]")
    if headline is None or len(articles) < 2:
        return
    own = next((a for a in articles if a in headline.iterancestors()), None)
    if own is None or boilerplate.text_length(own) < boilerplate.MIN_TEXT:
        return
    for article in articles:
        if article is not own:
            trees.drop(article)


def _lead(page: HtmlElement, details: Metadata, base: str) -> Image:
    """Return the lead image: the declared one as the page shows it, else the first on the page."""
    urls = [markup.absolute_url(url, base) for url in details.images]
    urls = [url for url in urls if markup.can_lead(url)][:MAX_DECLARED]
    content = (picture for picture in page.iter("img") if markup.is_content_image(picture))
    pictures = list(islice(content, MAX_PICTURES))
    for url in urls:
        same_pictures = [p for p in pictures if markup.is_same_picture(p.get("src", ""), url)]
        same_pictures = same_pictures[:MAX_DECLARED]
        images = [markup.describe_image(picture) for picture in same_pictures]
        if best := max(images, key=lambda i: bool(i.caption) + bool(i.credit), default=None):
            return _add_caption(Image(url, best.alt, best.caption, best.credit), page, details)
    first = [markup.describe_image(picture) for picture in pictures[:3]]
    if with_caption := next((image for image in first if image.caption), None):
        return with_caption
    if urls:
        return _add_caption(Image(urls[0], details.image_alt), page, details)
    return first[0] if first else Image()


def _add_caption(image: Image, page: HtmlElement, details: Metadata) -> Image:
    """Return the image with the alternative text and caption that it has elsewhere on the page."""
    image = replace(image, alt=image.alt or details.image_alt)
    if image.caption or image.credit:
        return image
    caption, credit = markup.find_loose_caption(page)
    if not caption:
        caption, credit = markup.split_credit(details.image_caption, "")
    return replace(image, caption=caption, credit=credit)


def _body(page: HtmlElement, url: str, site: str) -> HtmlElement:
    """Return the article's prose as a tree of its own.

    Without images: trafilatura keeps more captions and teasers as prose where it looks for them.
    Raises ParseError for a page of a size at which trafilatura takes minutes.
    """
    if sum(1 for _ in page.iter()) > MAX_ELEMENTS:
        raise ParseError(f"{url or 'This page'} is too large: it is not an article.")
    document = trafilatura.extract(
        page,
        url=url or None,
        output_format="html",
        include_comments=False,
        include_links=True,
        include_formatting=True,
        favor_precision=True,
    )
    inside = re.sub(r"\A.*?<body[^>]*>|</body>.*\Z", "", document or "", flags=re.DOTALL)
    body = fragment_fromstring(inside, create_parent="div")
    boilerplate.unwrap(body)
    trees.split_paragraphs(body)
    boilerplate.trim_end(body, site)
    return body


def _drop_repeated(
    body: HtmlElement, lead: Image, title: str, byline: str, addresses: set[str]
) -> None:
    """Drop from the start of the body what has a field of its own.

    The headline, the byline, the date, the page's address, and the lead image's caption.
    """
    repeated = {title, lead.caption, lead.credit, one_line(f"{lead.caption} {lead.credit}")} - {""}
    for block in list(body)[:MAX_REPEATED_BLOCKS]:
        text = markup.text_of(block)
        if len(text) <= MAX_REPEATED and (
            text in repeated
            or _is_address(text, addresses)
            or _is_byline(text, byline)
            or page_bylines.is_dateline(text)
        ):
            block.drop_tree()
    for block in list(body):
        if lead.credit and markup.text_of(block) == lead.credit:
            block.drop_tree()


def _is_byline(text: str, byline: str) -> bool:
    return bool(byline) and page_bylines.read_name(text) == byline


def _is_address(text: str, addresses: set[str]) -> bool:
    """Return whether a text is a web address and nothing else, or one of these without scheme."""
    tokens = text.split()
    if not tokens or len(tokens) > 1 + tokens[0].endswith(":"):
        return False
    bare_addresses = {_bare(address) for address in addresses if address}
    return (
        bool(web_url(tokens[-1]))
        or tokens[-1].startswith("www.")
        or _bare(tokens[-1]) in bare_addresses
    )


def _bare(address: str) -> str:
    return re.sub(r"\A(?:https?:)?//(?:www\.)?|/\Z", "", address.strip().lower())
