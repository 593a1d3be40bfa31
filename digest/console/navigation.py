"""The menu of the console: what the user has a right to, in groups."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from digest.accounts.models import User
from digest.newsletters import members
from digest.newsletters.members import Right


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the menu, and the right that opens it."""

    title: str
    icon: str
    url_name: str
    right: Right
    everywhere: bool = False  # for those who have the right in every publication
    by_newsletter: bool = False  # also for those who have it in some newsletters alone


_GROUPS = (
    (
        "Write",
        (
            Page("Home", "home", "home", Right.SEE, by_newsletter=True),
            Page("Issues", "mail", "issue:list", Right.SEE, by_newsletter=True),
            Page("Calendar", "calendar_month", "calendar", Right.SEE, by_newsletter=True),
            Page("Series", "low_priority", "series-list", Right.SEE, by_newsletter=True),
            Page("Articles", "article", "articles", Right.SEE, by_newsletter=True),
            Page("Pictures", "image", "pictures", Right.EDIT),
            Page("Appeals and sponsors", "volunteer_activism", "appeals", Right.SEE),
        ),
    ),
    (
        "Audience",
        (
            Page(
                "Subscribers", "contact_mail", "subscribers", Right.SUBSCRIBERS, by_newsletter=True
            ),
            Page("Segments", "filter_alt", "segments", Right.SUBSCRIBERS),
            Page("Memberships", "card_membership", "memberships", Right.EDIT),
            Page("Forms", "edit_note", "signup-forms", Right.SEE),
            Page("Import", "upload", "subscribers-import", Right.MANAGE),
        ),
    ),
    (
        "Results",
        (
            Page("Statistics", "bar_chart", "statistics", Right.SEE, by_newsletter=True),
            Page("Deliverability", "monitoring", "deliverability", Right.SEE, by_newsletter=True),
        ),
    ),
    (
        "Settings",
        (
            Page("Newsletters", "newspaper", "newsletters", Right.SEE, by_newsletter=True),
            Page("Publications", "storefront", "publications", Right.SEE),
            Page("Sources", "rss_feed", "sources", Right.SEE),
            Page("Connections", "hub", "connections", Right.MANAGE),
            Page(
                "Notifications",
                "notifications",
                "notifications",
                Right.EDIT,
                by_newsletter=True,
            ),
            Page("Team", "group", "team", Right.MANAGE),
            Page("Mail servers", "outgoing_mail", "relays", Right.MANAGE, everywhere=True),
            Page("API tokens", "api", "api-tokens", Right.MANAGE),
            Page("Webhooks", "webhook", "webhooks", Right.MANAGE),
            Page("System", "dns", "system", Right.MANAGE, everywhere=True),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu as unfold takes it: groups of what the user has a right to."""
    opened = pages_of(request)
    groups = (
        (title, [_item(page) for page in pages if page in opened]) for title, pages in _GROUPS
    )
    return [{"title": title, "items": items, "separator": True} for title, items in groups if items]


def pages_of(request: HttpRequest) -> list[Page]:
    """Return the pages of the menu that the user has a right to, in order."""
    user = request.user
    if not isinstance(user, User):
        return []
    return [page for _, pages in _GROUPS for page in pages if _opens(user, page)]


def _opens(user: User, page: Page) -> bool:
    if page.everywhere:
        return members.has_right(user, page.right, None)
    if page.by_newsletter:
        return members.has_right_somewhere(user, page.right)
    return members.publication_ids(user, page.right) != frozenset()


def _item(page: Page) -> dict[str, Any]:
    return {"title": page.title, "icon": page.icon, "link": reverse_lazy(page.url_name)}


def style(request: HttpRequest) -> str:  # noqa: ARG001  unfold's
    """Return the address of the console's style sheet, which every page loads."""
    return static("console/console.css")
