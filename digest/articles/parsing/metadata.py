"""Reads what a page declares about its article: JSON-LD (schema.org), OpenGraph, meta elements."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from htmldate import find_date
from lxml import etree
from lxml.html import HtmlElement

from digest.articles.parsing.dates import Dates
from digest.articles.plain_text import text
from digest.core.text import one_line

Fields = Mapping[str, Any]

_MAX_DEPTH = 6  # levels of JSON-LD that are searched


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page declares about its article; blank where it declares nothing."""

    is_article: bool = False
    headline: str = ""
    description: str = ""
    url: str = ""
    site: str = ""
    byline: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    published_at: datetime | None = None
    updated_at: datetime | None = None
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
    return Metadata(
        is_article=bool(article) or meta.get("og:type", "").lower() == "article",
        headline=_plain(article.get("headline"))
        or meta.get("og:title", "") or meta.get("twitter:title", ""),
        description=meta.get("og:description", "")
        or meta.get("description", "") or _plain(article.get("description")),
        url=_canonical(page) or meta.get("og:url", ""),
        site=meta.get("og:site_name", "") or _plain(_first(article.get("publisher")).get("name")),
        byline=_declared_authors(article) or _author(page, meta),
        section=_plain(article.get("articleSection"))
        or meta.get("article:section", "").split(",")[0],  # some sites list all their sections
        tags=_tags(page, article),
        language=language,
        published_at=_first_date(dates, _published(page, article, meta)),
        updated_at=_first_date(dates, _updated(page, article, meta)),
        images=_images(page, article, meta),
        image_alt=meta.get("og:image:alt", ""),
        image_caption=_image_caption(page),
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
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = one_line(element.get("content") or element.get("value") or "")
        if name and content:
            contents.setdefault(name.lower(), content)
    return contents


def _json_ld_articles(page: HtmlElement) -> Iterator[Fields]:
    """Yield the JSON-LD objects that are articles, in page order."""
    for item, types in _json_ld(page):
        if any(name.endswith(("Article", "BlogPosting", "Report")) for name in types):
            yield item


def _image_caption(page: HtmlElement) -> str:
    captions = (
        _plain(item.get("caption")) for item, types in _json_ld(page) if "ImageObject" in types
    )
    return next((caption for caption in captions if caption), "")


def _json_ld(page: HtmlElement) -> Iterator[tuple[Fields, list[str]]]:
    """Yield each JSON-LD object with its types."""
    for script in page.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
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
            names.append(one_line(text(author)))
        elif isinstance(author, dict) and not str(author.get("@type")).endswith("Organization"):
            values = author.get("name")
            names += [_plain(name) for name in (values if isinstance(values, list) else [values])]
    return ", ".join(dict.fromkeys(name for name in names if name and "://" not in name))


def _author(page: HtmlElement, meta: dict[str, str]) -> str:
    for name in ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author"):
        author = meta.get(name, "")
        if author and "://" not in author and author != meta.get("og:site_name"):
            return author
    for path in (
        "//*[@rel='author']",
        "//*[@itemprop='author']",
        "//*[contains(concat(' ', @class, ' '), ' byline ')]",
        "//*[contains(@class, 'byline__name') or contains(@class, 'author-name')]",
        "//*[contains(@class, 'author-link') or contains(@class, 'post-author')]//a",
    ):
        names = [one_line(" ".join(e.itertext())) for e in page.xpath(path)]
        names = [name for name in names if 2 < len(name) <= 100]
        if names:
            return names[0]
    return ""


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
        meta.get("date", ""),
        meta.get("parsely-pub-date", ""),
        *page.xpath("//article//time/@datetime")[:1],
    ]


def _updated(page: HtmlElement, article: Fields, meta: dict[str, str]) -> list[str]:
    return _declared_dates(page, article, meta, "dateModified", "article:modified_time")


def _declared_dates(
    page: HtmlElement, article: Fields, meta: dict[str, str], name: str, meta_name: str
) -> list[str]:
    """Return the dates that a page declares under a schema.org name and a meta element's name."""
    marked = page.xpath(f"//*[@itemprop='{name}']")[:1]
    values = [element.get("datetime") or element.get("content") or "" for element in marked]
    return [_plain(article.get(name)), meta.get(meta_name, ""), *values]


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
