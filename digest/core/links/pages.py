"""The addresses of the public pages: `web.urls` serves them, and links are made of them.

They stand here because mails link to pages, and what writes mails must not know what serves pages.
"""

import re
from enum import StrEnum

from django.conf import settings

_VALUE = re.compile(r"<\w+:(\w+)>")


class Page(StrEnum):
    """The route of a page, as Django's URL patterns have it."""

    ARCHIVE = "archive/<slug:slug>"
    ISSUE = "archive/<slug:slug>/<slug:key>"
    READ = "read/<str:token>"
    LINKED_ISSUE = "issue/<str:token>"
    SUBSCRIBE = "subscribe/<slug:slug>"
    EMBEDDED_SIGN_UP = "embed/<slug:slug>/signup"
    EMBED_SCRIPT = "embed/<slug:slug>/<slug:kind>.js"
    SIGN_UP_FORM = "forms/<uuid:uuid>"
    SIGN_UP_FORM_SCRIPT = "forms/<uuid:uuid>.js"
    CATALOGUE = "newsletters/<slug:slug>"
    CONFIRM = "confirm/<str:token>"
    CHANGE = "change/<str:token>"
    PREFERENCES = "preferences/<str:token>"
    UNSUBSCRIBE = "unsubscribe/<str:token>"
    STAY = "stay/<str:token>"
    PICTURE = "pictures/<str:name>"
    CLICK = "click/<str:token>"
    OPEN = "open/<str:token>"  # ".gif" follows
    REPORT = "report/<str:token>"
    CONNECTION = "connections/<str:token>"
    STRIPE = "stripe/<str:token>"

    def url(self, **values: object) -> str:
        """Return the full address of the page with these values."""
        return absolute("/" + _VALUE.sub(lambda match: str(values[match[1]]), self))

    @property
    def beginning(self) -> str:
        """The full address as far as it is the same for all values."""
        return absolute(f"/{self.partition('<')[0]}")


def absolute(path: str) -> str:
    """Return the public address of a path of this installation."""
    return f"{settings.DIGEST_BASE_URL}{path}"
