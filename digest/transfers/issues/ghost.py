"""Ghost's export in JSON: posts, newsletters, and what belongs to them.

`{"db": [{"meta": …, "data": {"posts": […], "posts_meta": […], "newsletters": […]}}]}`; some
versions write `meta` and `data` at the top. Members are not in it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from digest.core import clock
from digest.core.gating import strip_gated_blocks
from digest.core.text import read_json
from digest.transfers.errors import TransferError
from digest.transfers.files import LARGEST_JSON, Export
from digest.transfers.issues.content import (
    DRAFT,
    NO_DATE,
    NO_PAGE,
    OTHER_LIST,
    PAID,
    Choice,
    Item,
    PastContent,
)
from digest.transfers.reading import read_time
from digest.transfers.reporting import LeftIssue

SENT = frozenset({"published", "sent"})  # "sent" went out as a mail and is on no page
_PAYWALL = "<!--members-only-->"
_MARKS = (b'"db"', b'"posts"', b'"exported_on"')


def files_in(export: Export) -> list[str]:
    """Return the documents of an export that have posts of Ghost."""
    return [
        name
        for name in export.named(".json")
        if any(mark in export.start(name) for mark in _MARKS)
        and export.start(name).lstrip().startswith(b"{")
    ]


def read(export: Export, name: str, choice: Choice) -> Iterator[Item]:
    """Yield the posts, and those that stay behind."""
    data = _data(export, name)
    metas = {row.get("post_id"): row for row in _rows(data, "posts_meta")}
    other_ids = {
        row.get("id")
        for row in _rows(data, "newsletters")
        if not choice.includes(str(row.get("name", "")))
    }
    for row in _rows(data, "posts"):
        yield read_post(row, metas.get(row.get("id"), {}), other_ids)


def newsletter_names(export: Export) -> list[str]:
    """Return the names of the site's active newsletters."""
    return [
        str(row.get("name", ""))
        for name in files_in(export)
        for row in _rows(_data(export, name), "newsletters")
        if row.get("status", "active") == "active"
    ]


def read_post(row: Mapping[str, Any], meta: Mapping[str, Any], other_ids: set[Any]) -> Item:
    """Return a post of Ghost's export or Admin API; `others` are the ids of other newsletters."""
    title = str(row.get("title") or row.get("slug") or "")
    visibility, html = row.get("visibility", "public"), str(row.get("html") or "")
    if reason := _obstacle(row, other_ids):
        return LeftIssue(title, reason)
    sent_at = read_time(row.get("published_at"), clock.now())
    if sent_at is None:
        return LeftIssue(title, NO_DATE)
    return PastContent(
        service="ghost",
        origin=str(row.get("uuid") or row.get("id") or row.get("slug")),
        sent_at=sent_at,
        subject=str(meta.get("email_subject") or row.get("email_subject") or title),
        preheader=str(row.get("custom_excerpt") or ""),
        html=strip_gated_blocks(html.partition(_PAYWALL)[0]),
        is_public=visibility == "public" and row["status"] == "published",
    )


def _obstacle(row: Mapping[str, Any], other_ids: set[Any]) -> str:
    """Return why a post stays behind, or "" if it does not."""
    if row.get("type", "post") != "post":
        return "a page of the site, not an issue"
    if row.get("status") not in SENT:
        return DRAFT
    if row.get("visibility", "public") not in {"public", "members"}:
        return PAID
    if row.get("newsletter_id") and row["newsletter_id"] in other_ids:
        return OTHER_LIST
    return "" if str(row.get("html") or "").strip() else NO_PAGE


def _data(export: Export, name: str) -> Mapping[str, Any]:
    damaged = TransferError(
        "This JSON file is damaged. Export again in Ghost: Settings > Import/Export."
    )
    document = read_json(export.read(name, LARGEST_JSON), damaged)
    databases = document.get("db")
    first = databases[0] if isinstance(databases, list) and databases else document
    data = first.get("data") if isinstance(first, dict) else None
    return data if isinstance(data, dict) else {}


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = data.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
