"""`digest setup`: where to begin in a browser."""

from typing import Any

from django.urls import reverse

from digest.accounts import first_account
from digest.core import clock, links
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """The way into the console."""

    audited = False
    help = "Say where to make the first account, in a browser; the link is good for a day."

    def run(self, _options: dict[str, Any]) -> None:
        """Print the link to make the first account, or where to sign in."""
        if first_account.is_missing():
            url = first_account.setup_url(clock.now())
            self.answer({"account": False, "url": url}, f"Make the first account here:\n{url}")
        else:
            url = links.absolute(reverse("home"))
            self.answer({"account": True, "url": url}, f"There is an account. Sign in: {url}")
