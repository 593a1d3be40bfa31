"""Reads repaired XML with feedparser's parsers, and loses an element rather than the feed.

feedparser's `parse` stops at what its handlers do not expect, splits mail addresses wrongly, takes
what describes a picture for the article, and makes links of bare guids. The subclasses here change
these four things; the rest is feedparser's.
"""

import io
import xml.sax
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.sax.handler import feature_external_ges, feature_namespaces

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.util import FeedParserDict

from digest.articles.parsing import xml_repair

# What the handlers of feedparser, sgmllib and SAX raise for input that they do not expect.
_FAULTS = (
    xml.sax.SAXException, ValueError, TypeError, LookupError, AttributeError, AssertionError,
    ArithmeticError, RecursionError,
)  # fmt: skip


@dataclass
class FeedFields:
    """What feedparser read: the feed's own fields, and those of its entries, in document order."""

    version: str = ""
    channel: dict[str, Any] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)


def read(text: str, base: str, most: int) -> FeedFields:
    """Read repaired and closed XML: strictly, else tolerantly, else item by item, at most `most`.

    `base` is the feed's own address. An item that no parser can read is left out.
    """
    with suppress(*_FAULTS):
        return _read_strictly(text, base)
    with suppress(*_FAULTS):
        fields = _read_tolerantly(text, base)
        if len(fields.entries) >= xml_repair.count_items(text):
            return fields
    return _read_items(text, base, most)


def _read_items(text: str, base: str, most: int) -> FeedFields:
    fields = FeedFields()
    for document in xml_repair.split_items(text, most):
        part = _read_one(document, base)
        fields.version = fields.version or part.version
        fields.channel = fields.channel or part.channel
        fields.entries += part.entries
    return fields


def _read_one(text: str, base: str) -> FeedFields:
    for read_document in (_read_strictly, _read_tolerantly):
        with suppress(*_FAULTS):
            return read_document(text, base)
    return FeedFields()


def _read_strictly(text: str, base: str) -> FeedFields:
    """Read with the SAX parser; raises SAXException if the XML is not well-formed."""
    parser = _Strict(base, None, "utf-8")
    sax_parser = xml.sax.make_parser()  # noqa: S317  the document type is removed, so there are no entities
    sax_parser.setFeature(feature_namespaces, 1)
    sax_parser.setFeature(feature_external_ges, 0)
    sax_parser.setContentHandler(parser)
    sax_parser.setErrorHandler(parser)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(text.encode("utf-8", "replace")))
    source.setEncoding("utf-8")
    sax_parser.parse(source)
    return _fields(parser)


def _read_tolerantly(text: str, base: str) -> FeedFields:
    """Read with the parser that takes unclosed and stray tags as they come."""
    parser = _Loose(base, None, "utf-8", {})
    parser.feed(text)
    return _fields(parser)


def _fields(parser: Any) -> FeedFields:
    return FeedFields(parser.version, dict(parser.feeddata), [dict(e) for e in parser.entries])


class _Changes:
    """What both parsers do otherwise than feedparser's."""

    open_media: list[dict[str, Any]]  # the media elements of an entry that are open, innermost last
    resolve_relative_uris = False
    sanitize_html = False
    # Kept as they are written: resolved, a bare number would look like a link.
    can_be_relative_uri = StrictFeedParser.can_be_relative_uri - {"id", "link"}

    def unknown_starttag(self: Any, tag: str, attrs: Any) -> None:
        """Begin an element; one whose handler fails is left out."""
        with suppress(*_FAULTS):
            super().unknown_starttag(tag, attrs)  # type: ignore[misc]  # of feedparser's mixin

    def unknown_endtag(self: Any, tag: str) -> None:
        """End an element; if its handler fails, only leave its scope."""
        try:
            super().unknown_endtag(tag)  # type: ignore[misc]  # of feedparser's mixin
        except _FAULTS:
            for stack in (self.basestack, self.langstack):
                del stack[-1:]
            self.depth -= 1

    def _sync_author_detail(self: Any, key: str = "author") -> None:
        """Keep an author as written; feedparser cuts addresses by a pattern that is too short."""
        context = self._get_context()
        authors = context.get(f"{key}s")
        if authors and not authors[-1] and context.get(key):
            authors[-1]["name"] = context[key]

    def _end_guid(self: Any) -> None:
        """Keep the identifier, and note whether it says that it is the article's link."""
        self.pop("id")
        self._save("is_permalink", bool(self.guidislink), overwrite=True)

    _end_id = _end_guid

    def _end_published(self: Any) -> None:
        self.pop("published")

    _end_issued = _end_pubdate = _end_published

    def _end_updated(self: Any) -> None:
        self.pop("updated")

    _end_modified = _end_lastbuilddate = _end_updated

    def _start_media_content(self: Any, attrs: dict[str, str]) -> None:
        medium = FeedParserDict(attrs)
        self._get_context().setdefault("media_content", []).append(medium)
        self._open_media().append(medium)

    def _end_media_content(self: Any) -> None:
        del self._open_media()[-1:]

    def _start_media_group(self: Any, attrs: dict[str, str]) -> None:
        group = FeedParserDict(attrs)
        self._get_context().setdefault("media_groups", []).append(group)
        self._open_media().append(group)

    _end_media_group = _end_media_content

    def _open_media(self: Any) -> list[dict[str, Any]]:
        """Return the media elements around the current one, the innermost last."""
        if not self.inentry or "open_media" not in vars(self):
            self.open_media = []
        media: list[dict[str, Any]] = self.open_media
        return media

    def _start_media_text(self: Any, _attributes: dict[str, str]) -> None:
        self.push("media_words", 0)

    _start_media_description = _start_media_title = _start_media_text

    def _end_media_words(self: Any, name: str) -> None:
        """Keep words about a medium with it, or with the entry if they stand beside it."""
        description = self.pop("media_words")
        open_media = self._open_media()
        context = open_media[-1] if open_media else self._get_context()
        if description:
            context.setdefault(f"media_{name}", description)

    def _end_media_text(self: Any) -> None:
        self._end_media_words("text")

    def _end_media_description(self: Any) -> None:
        self._end_media_words("description")

    def _end_media_title(self: Any) -> None:
        self._end_media_words("title")

    def _start_image(self: Any, attributes: dict[str, str]) -> None:
        """Begin a picture, of the feed or, as some sites have it, of an entry."""
        if not self.inentry:
            super()._start_image(attributes)  # type: ignore[misc]  # of feedparser's mixin
            return
        self.push("picture", 0)
        self._keep_picture(attributes.get("href") or attributes.get("url"))

    def _end_image(self: Any) -> None:
        if not self.inentry:
            super()._end_image()  # type: ignore[misc]  # of feedparser's mixin
            return
        self._keep_picture(self.pop("picture"))

    def _end_url(self: Any) -> None:
        if self.inentry and any(element[0] == "picture" for element in self.elementstack):
            self._keep_picture(self.pop("href"))
            return
        super()._end_url()  # type: ignore[misc]  # of feedparser's mixin

    def _keep_picture(self: Any, url: str | None) -> None:
        if url:
            self._save("picture", url)

    def _start_item(self: Any, attributes: dict[str, str]) -> None:
        """Begin an entry; what the one before has left open ends with it."""
        self.insource = self.inimage = self.intextinput = self.inauthor = self.svgOK = 0
        super()._start_item(attributes)  # type: ignore[misc]  # of feedparser's mixin

    _start_entry = _start_item

    def _end_item(self: Any) -> None:
        self.open_media = []
        super()._end_item()  # type: ignore[misc]  # of feedparser's mixin

    _end_entry = _end_item


class _Strict(_Changes, StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    pass


class _Loose(_Changes, LooseFeedParser):  # type: ignore[misc]  # feedparser has no types
    pass
