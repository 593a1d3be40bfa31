"""The paper's feeds: RSS 2.0 as large news sites write it, and JSON Feed 1.1.

Both take plain values and return text. https://www.rssboard.org/rss-specification,
https://www.rssboard.org/media-rss, https://www.jsonfeed.org/version/1.1/
"""

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

from lxml import etree
from lxml.etree import CDATA, QName

from digest.embedded.sample.paper import Particulars, Story

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}


class Item(NamedTuple):
    """A story with the moment it appeared, in UTC, if it bears a date."""

    story: Story
    at: datetime | None

    def url(self, site: str) -> str:
        """Return the address of its page."""
        return f"{site}/{self.story.slug}"

    def image_url(self, site: str) -> str:
        """Return the address of its picture, or nothing."""
        return f"{site}/images/{self.story.image}" if self.story.image else ""

    @property
    def guid(self) -> str:
        """Its name for ever, whatever address the paper is read at."""
        return f"tag:courier.example,2026:{self.story.slug}"  # RFC 4151


def rss(paper: Particulars, items: Sequence[Item], site: str) -> bytes:
    """Write the items as RSS 2.0; `site` is the paper's address without a slash at its end."""
    root = etree.Element("rss", version="2.0", nsmap=NAMESPACES)
    channel = etree.SubElement(root, "channel")
    _put(channel, "title", paper.name)
    _put(channel, "link", f"{site}/")
    _put(channel, "description", paper.tagline)
    _put(channel, "language", paper.language)
    if items and items[0].at:
        _put(channel, "lastBuildDate", format_datetime(items[0].at))
    _put(channel, "ttl", "5")
    feed_url = f"{site}/feed.xml"
    _put(channel, QName(ATOM, "link"), href=feed_url, rel="self", type="application/rss+xml")
    logo = etree.SubElement(channel, "image")
    for name, value in (
        ("url", f"{site}/images/logo.png"),
        ("title", paper.name),
        ("link", f"{site}/"),
    ):
        _put(logo, name, value)
    for item in items:
        _put_item(channel, item, site)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def json_feed(paper: Particulars, items: Sequence[Item], site: str) -> str:
    """Write the items as JSON Feed 1.1."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": paper.name,
        "home_page_url": f"{site}/",
        "feed_url": f"{site}/feed.json",
        "description": paper.tagline,
        "language": paper.language,
        "items": [_json_item(item, site) for item in items],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)


def _put_item(channel: Any, item: Item, site: str) -> None:
    story = item.story
    node = etree.SubElement(channel, "item")
    _put(node, "title", story.title)
    _put(node, "link", item.url(site))
    _put(node, "guid", item.guid, isPermaLink="false")
    if item.at:
        _put(node, "pubDate", format_datetime(item.at))
    if story.byline:
        _put(node, QName(DC, "creator"), story.byline)
    for category in (story.section, *story.tags):
        _put(node, "category", category)
    _put(node, "description", story.summary)
    body = etree.SubElement(node, QName(CONTENT, "encoded"))
    body.text = CDATA(story.body.replace("]]>", "]]&gt;"))
    if story.image:
        _put_image(node, item, site)


def _put_image(node: Any, item: Item, site: str) -> None:
    kind = "image/png" if item.story.image.endswith(".png") else "image/jpeg"
    image = etree.SubElement(
        node, QName(MEDIA, "content"), url=item.image_url(site), medium="image", type=kind
    )
    _put(image, QName(MEDIA, "description"), item.story.image_caption, type="plain")
    _put(image, QName(MEDIA, "text"), item.story.image_alt, type="plain")
    _put(image, QName(MEDIA, "credit"), item.story.image_credit, role="photographer")


def _put(parent: Any, name: str | QName, text: str = "", **attributes: str) -> None:
    node = etree.SubElement(parent, name, attributes)
    if text:
        node.text = text


def _json_item(item: Item, site: str) -> dict[str, Any]:
    story = item.story
    fields = {
        "id": item.guid,
        "url": item.url(site),
        "title": story.title,
        "summary": story.summary,
        "content_html": story.body,
        "date_published": item.at.isoformat() if item.at else "",
        "authors": [{"name": story.byline}] if story.byline else [],
        "tags": [story.section, *story.tags],
        "image": item.image_url(site),
    }
    return {name: value for name, value in fields.items() if value}
