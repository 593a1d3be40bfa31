"""What a page declares about its article: JSON-LD (schema.org), OpenGraph, other meta elements."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from htmldate import find_date
from lxml import etree
from lxml.html import HtmlElement

from digest.articles.parsing.dates import Dates
from digest.articles.plain_text import line, text

Fields = Mapping[str, Any]

_DEEPEST = 6  # levels of JSON-LD that are looked into


@dataclass(frozen=True, slots=True)
class Facts:
    """A page's own account of its article; blank where it says nothing."""

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


def read(page: HtmlElement) -> Facts:
    """Read a page's facts; JSON-LD wins, being written for machines alone."""
    meta = _meta(page)
    told = next(_articles(page), {})
    language = (
        page.get("lang", "") or page.get("{http://www.w3.org/XML/1998/namespace}lang", "")
        or meta.get("og:locale", "") or _plain(told.get("inLanguage"))
    )  # fmt: skip
    dates = Dates(language)
    return Facts(
        is_article=bool(told) or meta.get("og:type", "").lower() == "article",
        headline=_plain(told.get("headline"))
        or meta.get("og:title", "") or meta.get("twitter:title", ""),
        description=meta.get("og:description", "")
        or meta.get("description", "") or _plain(told.get("description")),
        url=_canonical(page) or meta.get("og:url", ""),
        site=meta.get("og:site_name", "") or _plain(_first(told.get("publisher")).get("name")),
        byline=_people(told) or _author(page, meta),
        section=_plain(told.get("articleSection"))
        or meta.get("article:section", "").split(",")[0],  # some list every section they know
        tags=_tags(page, told),
        language=language,
        published_at=_first_date(dates, _published(page, told, meta)),
        updated_at=_first_date(dates, _updated(page, told, meta)),
        images=_images(page, told, meta),
        image_alt=meta.get("og:image:alt", ""),
        image_caption=_image_caption(page),
    )  # fmt: skip


def guess_published(page: HtmlElement, url: str = "") -> datetime | None:
    """Return the day on which an undated page seems to have come out, at midnight UTC.

    htmldate looks at the address and at what the page shows; its full search, which takes any date
    on the page, is off.
    """
    try:
        day = find_date(page, extensive_search=False, original_date=True, url=url or None)
    except (ValueError, TypeError, etree.LxmlError):
        return None
    return Dates().parse(day or "")


def _meta(page: HtmlElement) -> dict[str, str]:
    """Return the first content of each meta element, by property or name in lower case."""
    found: dict[str, str] = {}
    for element in page.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = line(element.get("content") or element.get("value") or "")
        if name and content:
            found.setdefault(name.lower(), content)
    return found


def _articles(page: HtmlElement) -> Iterator[Fields]:
    """Yield the JSON-LD objects that are articles, in page order."""
    for part, kinds in _told(page):
        if any(kind.endswith(("Article", "BlogPosting", "Report")) for kind in kinds):
            yield part


def _image_caption(page: HtmlElement) -> str:
    captions = (
        _plain(part.get("caption")) for part, kinds in _told(page) if "ImageObject" in kinds
    )
    return next((caption for caption in captions if caption), "")


def _told(page: HtmlElement) -> Iterator[tuple[Fields, list[str]]]:
    """Yield each JSON-LD object with its types."""
    for script in page.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            told = json.loads(script.text or "", strict=False)
        except (ValueError, RecursionError):
            continue
        for part in _objects(told, _DEEPEST):
            kinds = part.get("@type")
            kinds = kinds if isinstance(kinds, list) else [kinds]
            yield part, [kind for kind in kinds if isinstance(kind, str)]


def _objects(told: Any, levels: int) -> Iterator[Fields]:
    if levels == 0:
        return
    if isinstance(told, list):
        for part in told:
            yield from _objects(part, levels - 1)
    elif isinstance(told, dict):
        yield told
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            yield from _objects(told.get(name), levels - 1)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return line(text(value)) if isinstance(value, str) else ""


def _first(value: Any) -> Fields:
    if isinstance(value, list):
        value = value[0] if value else {}
    return value if isinstance(value, dict) else {}


def _people(told: Fields) -> str:
    """Return the persons named as authors; an organisation is the site speaking of itself."""
    authors = told.get("author")
    names = []
    for author in authors if isinstance(authors, list) else [authors]:
        if isinstance(author, str):
            names.append(line(text(author)))
        elif isinstance(author, dict) and not str(author.get("@type")).endswith("Organization"):
            given = author.get("name")
            names += [_plain(name) for name in (given if isinstance(given, list) else [given])]
    return ", ".join(dict.fromkeys(name for name in names if name and "://" not in name))


def _author(page: HtmlElement, meta: dict[str, str]) -> str:
    for name in ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author"):
        if (
            (value := meta.get(name, ""))
            and "://" not in value
            and value != meta.get("og:site_name")
        ):
            return value
    for path in (
        "//*[@rel='author']",
        "//*[@itemprop='author']",
        "//*[contains(concat(' ', @class, ' '), ' byline ')]",
        "//*[contains(@class, 'byline__name') or contains(@class, 'author-name')]",
        "//*[contains(@class, 'author-link') or contains(@class, 'post-author')]//a",
    ):
        names = [line(" ".join(e.itertext())) for e in page.xpath(path)]
        names = [name for name in names if 2 < len(name) <= 100]
        if names:
            return names[0]
    return ""


def _tags(page: HtmlElement, told: Fields) -> tuple[str, ...]:
    keywords = told.get("keywords")
    listed = [k for k in keywords if isinstance(k, str)] if isinstance(keywords, list) else []
    if isinstance(keywords, str):
        listed = keywords.split(",")
    listed += [e.get("content", "") for e in page.xpath("//meta[@property='article:tag']")]
    listed = [part for tag in listed for part in tag.split(",") if ":" not in part]
    plain = (line(text(tag)) for tag in listed)
    return tuple(dict.fromkeys(tag for tag in plain if tag))


def _first_date(dates: Dates, texts: Iterable[str]) -> datetime | None:
    return next((date for text in texts if (date := dates.parse(text))), None)


def _published(page: HtmlElement, told: Fields, meta: dict[str, str]) -> list[str]:
    return [
        *_dated(page, told, meta, "datePublished", "article:published_time"),
        meta.get("date", ""),
        meta.get("parsely-pub-date", ""),
        *page.xpath("//article//time/@datetime")[:1],
    ]


def _updated(page: HtmlElement, told: Fields, meta: dict[str, str]) -> list[str]:
    return _dated(page, told, meta, "dateModified", "article:modified_time")


def _dated(
    page: HtmlElement, told: Fields, meta: dict[str, str], name: str, other: str
) -> list[str]:
    """Return what a page declares under a schema.org name, or another name of a meta element."""
    marked = [
        e.get("datetime") or e.get("content") or "" for e in page.xpath(f"//*[@itemprop='{name}']")
    ]
    return [_plain(told.get(name)), meta.get(other, ""), *marked[:1]]


def _images(page: HtmlElement, told: Fields, meta: dict[str, str]) -> tuple[str, ...]:
    """Return the declared pictures, all of them: sites put placeholders among them."""
    images = told.get("image")
    images = images if isinstance(images, list) else [images]
    found = [image.get("url") if isinstance(image, dict) else image for image in images]
    found += [e.get("content") for e in page.xpath("//meta[@property='og:image']")]
    found += [meta.get("twitter:image", "")]
    return tuple(
        dict.fromkeys(url.strip() for url in found if isinstance(url, str) and url.strip())
    )


def _canonical(page: HtmlElement) -> str:
    return next((e.get("href", "").strip() for e in page.xpath("//link[@rel='canonical']")), "")
