"""Buttondown's emails, as its API returns them and its export has them: JSON.

`[{"id": …, "subject": …, "body": …, "status": …, "email_type": …, "publish_date": …}]`, or the
same as `results`. The body is HTML, or Markdown.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from markdown_it import MarkdownIt

from digest.core import clock
from digest.core.text import read_json
from digest.transfers.errors import TransferError
from digest.transfers.files import LARGEST_JSON, LARGEST_PAGE, Export
from digest.transfers.issues.content import DRAFT, NO_DATE, NO_PAGE, PAID, Choice, Item, PastContent
from digest.transfers.reading import read_time
from digest.transfers.reporting import LeftIssue

SENT = frozenset({"sent", "imported"})
_PUBLIC, _PRIVATE = "public", frozenset({"public", "private", "hidden", "archival"})


def files_in(export: Export) -> list[str]:
    """Return the documents of an export that have emails of Buttondown."""
    return [
        name
        for name in export.named(".json")
        if b'"body"' in (start := export.start(name, 1 << 20)) and b'"publish_date"' in start
    ]


def read(export: Export, name: str, _choice: Choice) -> Iterator[Item]:
    """Yield the emails, and those that stay behind."""
    yield from map(read_email, rows_of(export.read(name, LARGEST_JSON)))


def read_email(row: Mapping[str, Any]) -> Item:
    """Return an email of Buttondown's export or API."""
    title = str(row.get("subject") or row.get("slug") or "")
    kind = str(row.get("email_type") or row.get("type") or _PUBLIC)
    sent_at = read_time(row.get("publish_date"), clock.now())
    if row.get("status", "sent") not in SENT:
        return LeftIssue(title, DRAFT)
    if kind not in _PRIVATE:
        return LeftIssue(title, PAID if kind == "premium" else "for some subscribers only")
    body = row.get("body")
    if not isinstance(body, str) or not body.strip():
        return LeftIssue(title, NO_PAGE)
    if sent_at is None:
        return LeftIssue(title, NO_DATE)
    return PastContent(
        service="buttondown",
        origin=str(row.get("id") or row.get("slug")),
        sent_at=sent_at,
        subject=title,
        preheader=str(row.get("description") or ""),
        html=to_html(body[:LARGEST_PAGE]),
        is_public=kind == _PUBLIC,
    )


def to_html(body: str) -> str:
    """Return a body in Markdown as HTML; one that is HTML as it is."""
    if body.lstrip().startswith("<"):
        return body
    rendered: str = MarkdownIt("commonmark", {"html": True}).render(body)
    return rendered


def rows_of(content: bytes) -> list[Mapping[str, Any]]:
    """Return the objects in a JSON document: a list, or the `results` of an answer."""
    damaged = TransferError("A JSON file in this export is damaged. Export again.")
    document = read_json(content, damaged)
    rows = document.get("results") if isinstance(document, dict) else document
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
