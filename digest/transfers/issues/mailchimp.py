"""Mailchimp's export of an account: campaigns.csv, and each campaign in campaigns_content/.

Columns: Title, Subject, List, Send Date ("May 19, 2019 06:00 pm", in the account's time zone),
Unique Id, and others. The names of the HTML files are NUMBER_TITLE.html; the numbers stand nowhere
else, so a file belongs to the campaign whose title or subject it is named after.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from digest.core import clock
from digest.subscribers.importing.states import plain
from digest.transfers.files import LARGEST_PAGE, LARGEST_TEXT, Export
from digest.transfers.issues.content import (
    DRAFT,
    NO_PAGE,
    OTHER_LIST,
    Choice,
    Item,
    PastContent,
    table,
)
from digest.transfers.reporting import LeftIssue

_FOLDER = "campaigns_content/"
_FORMATS = ("%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M")
_LIKE_ENOUGH = 0.85
_MOST_COMPARED = 2_000  # files; beyond, only a name that is the same counts


def files_in(export: Export) -> list[str]:
    """Return the tables of an export that name campaigns of Mailchimp."""
    return [name for name in export.named("campaigns.csv") if b"Send Date" in export.start(name)]


def read(export: Export, name: str, choice: Choice) -> Iterator[Item]:
    """Yield the campaigns, and those that stay behind."""
    zone = clock.zone(choice.newsletter.publication.timezone)
    pages = _pages(export, name[: -len("campaigns.csv")])
    rows = list(table(export.text(name, LARGEST_TEXT)))
    own_pages = [_page_of(row, pages) for row in rows]
    # What is another campaign's is not taken for one that is called almost the same: “Tide 24”.
    free_pages = {slug: paths.difference(filter(None, own_pages)) for slug, paths in pages.items()}
    for row, own_page in zip(rows, own_pages, strict=True):
        title = row.get("subject") or row.get("title", "")
        sent_at = _sent_at(row.get("send date", ""))
        page = own_page or _page_like(row, free_pages)
        if "list" in row and not choice.includes(row["list"]):
            yield LeftIssue(title, OTHER_LIST)
        elif sent_at is None:
            yield LeftIssue(title, DRAFT)
        elif page is None:
            yield LeftIssue(title, NO_PAGE)
        else:
            yield PastContent(
                service="mailchimp",
                origin=row.get("unique id") or f"{row.get('send date')} {title}"[:200],
                sent_at=sent_at.replace(tzinfo=zone).astimezone(UTC),
                subject=title,
                preheader="",
                html=export.text(page, LARGEST_PAGE),
                is_public=None,
            )


def list_names(export: Export) -> list[str]:
    """Return the names of the audiences that campaigns were sent to."""
    rows = (row for name in files_in(export) for row in table(export.text(name, LARGEST_TEXT)))
    return list(dict.fromkeys(filter(None, (row.get("list", "") for row in rows))))


def _pages(export: Export, folder: str) -> dict[str, set[str]]:
    """Return the paths of the HTML files by what they are named after: several by one title."""
    pages: dict[str, set[str]] = {}
    for name in export.named(".html"):
        if name.startswith(folder + _FOLDER):
            stem = name.rsplit("/", 1)[-1][: -len(".html")]
            for key in (_slug(re.sub(r"^\d+_", "", stem)), stem):
                pages.setdefault(key, set()).add(name)
    return pages


def _page_of(row: Mapping[str, str], pages: Mapping[str, set[str]]) -> str | None:
    """Return the HTML file that is named after a campaign; None where none is, or several are."""
    unique_id = row.get("unique id", "")
    if unique_id and (named := [paths for stem, paths in pages.items() if unique_id in stem]):
        return _single_path(named)
    return next(
        filter(None, (_single_path([pages.get(slug, set())]) for slug in _slugs_of(row))), None
    )


def _page_like(row: Mapping[str, str], pages: Mapping[str, set[str]]) -> str | None:
    """Return the one HTML file that is named almost like a campaign; None where there is none."""
    slugs = _slugs_of(row)
    if len(pages) > _MOST_COMPARED or any(slug in pages for slug in slugs):
        return None
    for slug in slugs:
        matches = difflib.get_close_matches(slug, pages, 2, _LIKE_ENOUGH)
        if path := _single_path([pages[match] for match in matches]):
            return path
    return None


def _single_path(groups: Iterable[set[str]]) -> str | None:
    """Return the path in sets of paths, if there is just one."""
    paths = set[str]().union(*groups)
    return paths.pop() if len(paths) == 1 else None


def _slugs_of(row: Mapping[str, str]) -> list[str]:
    return list(filter(None, (_slug(row.get("title", "")), _slug(row.get("subject", "")))))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plain(text)).strip("-")[:100]


def _sent_at(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(text.strip('" '), form)  # noqa: DTZ007  the zone comes later
        except ValueError:
            continue
    return None
