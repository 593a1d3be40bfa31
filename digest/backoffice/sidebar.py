"""Where one can go in the console."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

_PAGES = (
    ("Home", "home", "home"),
    ("Editions", "mail", "admin:editions_edition_changelist"),
    ("Readers", "contact_mail", "readers"),
    ("Newsletters", "newspaper", "admin:newsletters_newsletter_changelist"),
    ("Articles", "article", "admin:articles_article_changelist"),
    ("Sources", "rss_feed", "admin:articles_source_changelist"),
    ("Appeals", "volunteer_activism", "admin:newsletters_appeal_changelist"),
    ("Publications", "storefront", "admin:newsletters_publication_changelist"),
    ("People", "group", "admin:accounts_user_changelist"),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001  unfold's
    """Return the sidebar as unfold takes it."""
    items = [
        {"title": title, "icon": icon, "link": reverse_lazy(name)} for title, icon, name in _PAGES
    ]
    return [{"items": items}]
