"""Reads what a page declares about its article: JSON-LD (schema.org), OpenGraph, meta elements."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from htmldate import find_date
from lxml import etree
from lxml.html import HtmlElement

from digest.articles.parsing import markup, page_bylines
from digest.articles.parsing.base import Particulars
from digest.articles.parsing.dates import Dates
from digest.articles.plain_text import text
from digest.core.text import one_line

Fields = Mapping[str, Any]

_MAX_DEPTH = 6  # levels of JSON-LD that are searched
_MOST_TIMES = 50  # of one page that are looked at
_MOST_IMAGES = 50
_MOST_SCRIPTS = 100  # with JSON-LD
_PAGES = frozenset({"WebPage", "ItemPage", "AboutPage", "QAPage", "MedicalWebPage"})
_DATE_NAMES = (  # of meta elements that date the article, each by another system
    "article:published", "og:published_time", "og:article:published_time", "datepublished",
    "date", "pubdate", "publishdate", "publish_date", "publish-date", "publication_date",
    "parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "dc.date.created",
    "dcterms.created", "dcterms.date", "dc.date", "datecreated", "cxenseparse:recs:publishtime",
)  # fmt: skip
_ASIDE_TAGS = frozenset({"aside", "nav", "footer", "form"})
_ASIDE_CLASS = re.compile(
    r"(?:\A|[\s_-])(?:comments?|related|sidebar|widget|popular|latest)(?:\Z|[\s_-])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Metadata(Particulars):
    """What a page declares about its article; blank where it declares nothing."""

    is_article: bool = False
    headline: str = ""
    description: str = ""
    site: str = ""
    images: tuple[str, ...] = ()
    image_alt: str = ""
    image_caption: str = ""


def read_metadata(page: HtmlElement) -> Metadata:
    """Read a page's metadata. JSON-LD comes first: it is written for machines only."""
    meta = _meta(page)
    article = next(_json_ld_articles(page), {})
    language = (
        page.get("lang", "") or page.get("{http://www.w3.org/XML/1998/namespace}lang", "")
        or meta.get("og:locale", "") or _plain(article.get("inLanguage"))
    )  # fmt: skip
    dates = Dates(language)
    site = meta.get("og:site_name", "") or _plain(_first(article.get("publisher")).get("name"))
    images = _images(page, article, meta)
    image_caption, image_description = next(_image_texts(page, images, site), ("", ""))
    return Metadata(
        is_article=bool(article) or meta.get("og:type", "").lower() == "article",
        headline=_plain(article.get("headline"))
        or meta.get("og:title", "") or meta.get("twitter:title", ""),
        description=meta.get("og:description", "")
        or meta.get("description", "") or _plain(article.get("description")),
        url=_canonical(page) or meta.get("og:url", ""),
        site=site,
        byline=_declared_authors(article) or _author(page, meta),
        section=_plain(article.get("articleSection"))
        or meta.get("article:section", "").split(",")[0],  # some sites list all their sections
        tags=_tags(page, article),
        language=language,
        published_at=_first_date(dates, _published(page, article, meta)),
        updated_at=_first_date(dates, _updated(page, article, meta)),
        images=images,
        image_alt=meta.get("og:image:alt", "")
        or meta.get("twitter:image:alt", "") or image_description,
        image_caption=image_caption,
    )  # fmt: skip


def guess_published(page: HtmlElement, url: str = "") -> datetime | None:
    """Return the day on which a page without a declared date was published, at midnight UTC.

    htmldate reads the address and the dates that the page shows. Its extensive search stays off: it
    accepts any date in the text.
    """
    try:
        day = find_date(page, extensive_search=False, original_date=True, url=url or None)
    except (ValueError, TypeError, etree.LxmlError):
        return None
    return Dates().parse(day or "")


def _meta(page: HtmlElement) -> dict[str, str]:
    """Return the first content of each meta element, by property or name in lower case."""
    contents: dict[str, str] = {}
    for element in page.iter("meta"):
        content = one_line(element.get("content") or element.get("value") or "")
        attributes = (element.get(name, "") for name in ("property", "name", "itemprop"))
        for name in " ".join(attributes).lower().split() if content else ():
            contents.setdefault(name, content)
    return contents


def _json_ld_articles(page: HtmlElement) -> Iterator[Fields]:
    """Yield the JSON-LD objects that are articles, in page order."""
    for item, types in _json_ld(page):
        if any(name.endswith(("Article", "BlogPosting", "Report")) for name in types):
            yield item


def _image_texts(page: HtmlElement, images: Sequence[str], site: str) -> Iterator[tuple[str, str]]:
    """Yield caption and description of the declared images.

    A page describes its logo too, and often by the site's name; so the address has to agree.
    """
    objects = [item for item, types in _json_ld(page) if "ImageObject" in types]
    objects += [
        item for article in _json_ld_articles(page) for item in _dicts(article.get("image"))
    ]
    for item in objects[:_MOST_IMAGES]:
        url = _plain(item.get("url")) or _plain(item.get("contentUrl")) or _plain(item.get("@id"))
        caption, description = _plain(item.get("caption")), _plain(item.get("description"))
        is_logo = bool(site) and site in {caption, description}
        is_declared = any(markup.is_same_picture(url, image) for image in images)
        if is_declared and (caption or description) and not is_logo:
            yield caption, description


def _dicts(value: Any) -> list[Fields]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _json_ld(page: HtmlElement) -> Iterator[tuple[Fields, list[str]]]:
    """Yield each JSON-LD object with its types."""
    scripts = (s for s in page.iter("script") if "ld+json" in (s.get("type") or ""))
    for script in islice(scripts, _MOST_SCRIPTS):
        try:
            document = json.loads(script.text or "", strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _objects(document, _MAX_DEPTH):
            types = item.get("@type")
            types = types if isinstance(types, list) else [types]
            yield item, [name for name in types if isinstance(name, str)]


def _objects(value: Any, levels: int) -> Iterator[Fields]:
    if levels == 0:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, levels - 1)
    elif isinstance(value, dict):
        yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            yield from _objects(value.get(name), levels - 1)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return one_line(text(value)) if isinstance(value, str) else ""


def _first(value: Any) -> Fields:
    if isinstance(value, list):
        value = value[0] if value else {}
    return value if isinstance(value, dict) else {}


def _declared_authors(article: Fields) -> str:
    """Return the names of the authors who are persons; an organisation is the site itself."""
    authors = article.get("author")
    names = []
    for author in authors if isinstance(authors, list) else [authors]:
        if isinstance(author, str):
            names.append(page_bylines.read_name(_plain(author)))
        elif isinstance(author, dict) and not str(author.get("@type")).endswith("Organization"):
            values = author.get("name")
            values = values if isinstance(values, list) else [values]
            names += [page_bylines.read_name(_plain(name)) for name in values]
    return ", ".join(dict.fromkeys(name for name in names if name and "://" not in name))


def _author(page: HtmlElement, meta: dict[str, str]) -> str:
    names = ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author")
    authors = (meta.get(name, "") for name in names)
    site = meta.get("og:site_name")
    declared = [a for a in authors if a and "://" not in a and a != site]
    return page_bylines.first_name(declared) or page_bylines.read_names(page)


def _tags(page: HtmlElement, article: Fields) -> tuple[str, ...]:
    keywords = article.get("keywords")
    tags = [k for k in keywords if isinstance(k, str)] if isinstance(keywords, list) else []
    if isinstance(keywords, str):
        tags = keywords.split(",")
    tags += page.xpath("//meta[@property='article:tag']/@content")
    tags = [part for tag in tags for part in tag.split(",") if ":" not in part]
    plain = (one_line(text(tag)) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in plain if tag))


def _first_date(dates: Dates, texts: Iterable[str]) -> datetime | None:
    return next((date for text in texts if (date := dates.parse(text))), None)


def _published(page: HtmlElement, article: Fields, meta: dict[str, str]) -> list[str]:
    return [
        *_declared_dates(page, article, meta, "datePublished", "article:published_time"),
        *(meta.get(name, "") for name in _DATE_NAMES),
        _plain(article.get("dateCreated")),
        *_times(page),
    ]


def _times(page: HtmlElement) -> list[str]:
    """Return the date of the <time> nearest to the headline, or of one marked as the date.

    Times beside the article, in navigation, comments and lists of other stories, do not count.
    """
    headline = next(page.iter("h1"), None)
    article = next(page.iter("article", "main"), None)
    elements = page.iter() if article is None else article.iter()
    times, place, examined = [], 0, 0
    for number, element in enumerate(elements):
        if element is headline:
            place = number
        elif element.tag == "time" and examined < _MOST_TIMES:
            examined += 1
            if _is_beside(element):
                continue
            marked = "pubdate" in element.attrib or "published" in element.get("class", "")
            times.append((not marked, number, element.get("datetime") or _text(element)))
    ranked = sorted(times, key=lambda time: (time[0], abs(time[1] - place)))
    return [text for _, _, text in ranked[:1]]


def _is_beside(element: HtmlElement) -> bool:
    return any(
        ancestor.tag in _ASIDE_TAGS or _ASIDE_CLASS.search(ancestor.get("class", ""))
        for ancestor in element.iterancestors()
    )


def _text(element: HtmlElement) -> str:
    return one_line("".join(element.itertext()), 100)


def _updated(page: HtmlElement, article: Fields, meta: dict[str, str]) -> list[str]:
    return _declared_dates(page, article, meta, "dateModified", "article:modified_time")


def _declared_dates(
    page: HtmlElement, article: Fields, meta: dict[str, str], name: str, meta_name: str
) -> list[str]:
    """Return the dates that a page declares under a schema.org name and a meta element's name."""
    marked = page.xpath(f"//*[contains(concat(' ', @itemprop, ' '), ' {name} ')]")[:1]
    values = [e.get("datetime") or e.get("content") or _text(e) for e in marked]
    pages = (item for item, types in _json_ld(page) if not _PAGES.isdisjoint(types))
    return [
        _plain(article.get(name)),
        meta.get(meta_name, ""),
        *values,
        *(_plain(item.get(name)) for item in pages),
    ]


def _images(page: HtmlElement, article: Fields, meta: dict[str, str]) -> tuple[str, ...]:
    """Return all declared images: the first may be a placeholder."""
    images = article.get("image")
    images = images if isinstance(images, list) else [images]
    urls = [image.get("url") if isinstance(image, dict) else image for image in images]
    urls += page.xpath("//meta[@property='og:image']/@content")
    urls += [meta.get("twitter:image", "")]
    stripped = (url.strip() for url in urls if isinstance(url, str))
    return tuple(dict.fromkeys(url for url in stripped if url))


def _canonical(page: HtmlElement) -> str:
    return next((e.get("href", "").strip() for e in page.xpath("//link[@rel='canonical']")), "")
