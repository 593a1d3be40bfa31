"""Where one can go in the console: what one has a right to."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from digest.accounts.models import User
from digest.newsletters import members
from digest.newsletters.members import Right

_PAGES = (
    ("Home", "home", "home", Right.SEE),
    ("Issues", "mail", "admin:issues_issue_changelist", Right.SEE),
    ("Subscribers", "contact_mail", "subscribers", Right.SUBSCRIBERS),
    ("Newsletters", "newspaper", "admin:newsletters_newsletter_changelist", Right.SEE),
    ("Schedules", "calendar_month", "timetables", Right.SEE),
    ("Articles", "article", "admin:articles_article_changelist", Right.SEE),
    ("Sources", "rss_feed", "admin:articles_source_changelist", Right.SEE),
    ("Appeals", "volunteer_activism", "admin:newsletters_appeal_changelist", Right.SEE),
    ("Publications", "storefront", "admin:newsletters_publication_changelist", Right.SEE),
    ("People", "group", "people", Right.MANAGE),
    ("Relays", "outgoing_mail", "relays", Right.MANAGE),
    ("Programs", "api", "programs", Right.MANAGE),
    ("Webhooks", "webhook", "webhooks", Right.MANAGE),
    ("Your account", "passkey", "mfa_index", Right.SEE),
)
_OF_ALL = {"relays"}  # no publication's own: for those who have the right in every one


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar as unfold takes it."""
    user = request.user
    if not isinstance(user, User):
        return []
    items = [
        {"title": title, "icon": icon, "link": reverse_lazy(name)}
        for title, icon, name, right in _PAGES
        if (members.may(user, right, None) if name in _OF_ALL else members.anywhere(user, right))
    ]
    return [{"items": items}]


def style(request: HttpRequest) -> str:  # noqa: ARG001  unfold's
    """Return the address of the console's style sheet, which every page loads."""
    return static("console/console.css")
