"""Substack's export: posts.csv, and the text of each post in posts/ID.html.

Columns: post_id, post_date, is_published, email_sent_at, inbox_sent_at, type, audience, title,
subtitle, podcast_url.
"""

from collections.abc import Iterator, Mapping

from digest.core import clock
from digest.transfers.files import LARGEST_PAGE, LARGEST_TEXT, Export
from digest.transfers.issues.content import (
    DRAFT,
    NO_DATE,
    NO_PAGE,
    PAID,
    Choice,
    Item,
    PastContent,
    table,
)
from digest.transfers.reading import read_time
from digest.transfers.reporting import LeftIssue

_PAYWALL = 'class="paywall-jump"'
_TYPES = frozenset({"newsletter", "podcast", ""})


def files_in(export: Export) -> list[str]:
    """Return the tables of an export that name posts of Substack."""
    return [
        name
        for name in export.named("posts.csv")
        if b"post_id" in export.start(name) and b"is_published" in export.start(name)
    ]


def read(export: Export, name: str, _choice: Choice) -> Iterator[Item]:
    """Yield the posts, and those that stay behind."""
    pages = _pages(export, name[: -len("posts.csv")])
    for row in table(export.text(name, LARGEST_TEXT)):
        yield _post(export, row, pages)


def _pages(export: Export, folder: str) -> Mapping[str, str]:
    """Return the paths of the texts by the ids of their posts, which begin their names."""
    pages = {}
    for name in export.named(".html"):
        if name.startswith(folder):
            pages[name.rsplit("/", 1)[-1].partition(".")[0]] = name
    return pages


def _post(export: Export, row: Mapping[str, str], pages: Mapping[str, str]) -> Item:
    origin = row.get("post id", "").partition(".")[0]
    title = row.get("title", "") or row.get("post id", "")
    sent_at = read_time(row.get("email sent at") or row.get("post date", ""), clock.now())
    if reason := _obstacle(row, has_page=origin in pages):
        return LeftIssue(title, reason)
    if sent_at is None:
        return LeftIssue(title, NO_DATE)
    html = export.text(pages[origin], LARGEST_PAGE)
    return PastContent(
        service="substack",
        origin=origin,
        sent_at=sent_at,
        subject=title,
        preheader=row.get("subtitle", ""),
        html=html.partition(_PAYWALL)[0].rpartition("<")[0] if _PAYWALL in html else html,
        is_public=row.get("audience", "") == "everyone",
    )


def _obstacle(row: Mapping[str, str], *, has_page: bool) -> str:
    """Return why a post stays behind, or "" if it does not."""
    if row.get("is published", "").lower() != "true":
        return DRAFT
    if row.get("type", "") not in _TYPES:
        return f"not an issue but of the type “{row['type'][:40]}”"
    if row.get("audience", "") not in {"everyone", "only_free"}:
        return PAID
    return "" if has_page else NO_PAGE
