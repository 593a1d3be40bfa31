"""Chooses the lead picture of a feed's entry, with its alternative text, caption and credit.

From Media RSS (media:content, media:thumbnail, media:description …), enclosures, iTunes, the
elements that sites make up, and the entry's own HTML.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from digest.articles.parsing import markup, pictures
from digest.articles.parsing.base import Image
from digest.articles.plain_text import text
from digest.core.alt_text import is_description
from digest.core.text import one_line

Fields = Mapping[str, Any]

_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|\Z)", re.IGNORECASE)
_LONGEST_ALT = 1000  # characters; a longer media:text is a transcript
_UNKNOWN_WIDTH = 300  # px


def read_image(fields: Fields, base: str, root: Any) -> Image:
    """Return the lead image from media:content, enclosure, iTunes or the body, in this order.

    `root` is the tree of the body, or None. If the body shows the same image, its alternative text,
    caption and credit come from there; what it lacks is what the feed says about the picture.
    """
    medium = _medium(fields, base)
    url = str(medium.get("url") or "") or _enclosure(fields, base) or _other_image(fields, base)
    body_image = markup.find_lead_image(root) if root is not None else Image()
    if not url:
        return _described(body_image, {}, fields)
    if markup.is_same_picture(url, body_image.url):
        return _described(replace(body_image, url=url), medium, fields)
    return _described(Image(url), medium, fields)


def media_text(fields: Fields, name: str) -> str:
    """Return what an entry says in media:<name> beside its media, or in their group."""
    groups = (part.get(f"media_{name}") for part in _parts(fields, "media_groups"))
    return _text(fields, f"media_{name}") or next((str(part) for part in groups if part), "")


def has_video(fields: Fields) -> bool:
    """Return whether an entry stands for a video or a recording, which its text describes."""
    return any(not _is_picture(part) for part in _parts(fields, "media_content"))


def _described(image: Image, medium: Fields, fields: Fields) -> Image:
    """Return the image with what the feed says about it where the body says nothing."""
    if not image.url:
        return image
    title = _plain(_text(fields, "title"))
    names = ("description", "title", "text")
    descriptions = {
        name: _plain(_text(medium, f"media_{name}") or _sibling(fields, name)) for name in names
    }
    descriptions = {
        name: value for name, value in descriptions.items() if is_description(value, title)
    }
    description = descriptions.get("description") or _plain(_text(medium, "caption"))
    caption, credit = markup.split_credit(description, "")
    # media:text is written for those who do not see the picture; a caption says what it does not.
    texts = (descriptions.get("text", ""), caption, descriptions.get("title", ""))
    alt = next((value for value in texts if 0 < len(value) <= _LONGEST_ALT), "")
    return Image(
        image.url,
        image.alt or alt,
        image.caption or caption,
        image.credit or _credit(fields) or credit,
    )


def _sibling(fields: Fields, name: str) -> str:
    """Return what stands beside the media, unless it describes a video."""
    return "" if has_video(fields) else media_text(fields, name)


def _credit(fields: Fields) -> str:
    values = (str(part.get("content") or "") for part in _parts(fields, "media_credit"))
    return _plain(next(filter(None, values), "") or _text(fields, "photographer"))


def _medium(fields: Fields, base: str) -> Fields:
    """Return the best image of media:content, else of media:thumbnail, with an absolute URL."""
    contents = [part for part in _parts(fields, "media_content") if _is_picture(part)]
    for parts in (contents, _parts(fields, "media_thumbnail")):
        media = [{**part, "url": _resolve(part.get("url"), base)} for part in parts]
        wide = [part for part in media if part["url"] and _width(part) >= markup.MIN_WIDTH]
        best = pictures.choose_width([(_width(part), part["url"]) for part in wide])
        if best:
            return next(part for part in wide if part["url"] == best)
    return {}


def _is_picture(part: Fields) -> bool:
    kind, medium = str(part.get("type") or "").lower(), str(part.get("medium") or "").lower()
    if medium or kind:
        return (medium or "image") == "image" and (kind or "image/").startswith("image")
    return not re.search(r"\.(?:mp[34]|m4[av]|mov|webm|ogg|m3u8)\b", str(part.get("url") or ""))


def _width(part: Fields) -> int:
    """Return the declared width in px, or 300 if there is none."""
    value = str(part.get("width", "")).strip()
    is_width = value.isascii() and value.isdigit() and len(value) < 6
    return int(value) if is_width else _UNKNOWN_WIDTH


def _enclosure(fields: Fields, base: str) -> str:
    for part in _parts(fields, "links"):
        url, kind = str(part.get("href", "")), str(part.get("type", ""))
        is_picture = kind.startswith("image") or (
            kind in {"", "application/octet-stream"} and _PICTURE_END.search(url)
        )
        if part.get("rel") == "enclosure" and is_picture and (address := _resolve(url, base)):
            return address
    return ""


def _other_image(fields: Fields, base: str) -> str:
    """Return itunes:image, an <image> of the entry, or one of the elements that sites make up."""
    return next((url for value in _other_values(fields) if (url := _resolve(value, base))), "")


def _other_values(fields: Fields) -> Iterator[str]:
    image = fields.get("image")
    if isinstance(image, dict) and image.get("href"):
        yield str(image["href"])
    if picture := _text(fields, "picture"):
        yield picture
    for name in (
        "bigimage",
        "smallimage",
        "image",
        "thumbnail",
        "featured_image",
        "post-thumbnail",
    ):
        value = fields.get(name)
        value = value.get("url") or value.get("src") if isinstance(value, dict) else value
        if isinstance(value, str) and _PICTURE_END.search(value):
            yield value


def _resolve(url: Any, base: str) -> str:
    """Return the absolute URL of a picture that can lead an article, or ""."""
    address = markup.absolute_url(url, base) if isinstance(url, str) and url.strip() else ""
    return address if markup.can_lead(address) else ""


def _parts(fields: Fields, name: str) -> list[Fields]:
    value = fields.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _plain(value: str) -> str:
    return one_line(text(value) if "<" in value else html.unescape(value))
