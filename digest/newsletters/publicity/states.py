"""The states of a newsletter, and what each means. No other rule decides that.

    state       public pages    sign-ups    issues on schedule
    private     no              no          yes
    announced   yes             yes         no
    live        yes             yes         yes
    paused      yes             yes         no
    closed      yes             no          no

Who subscribes to a private newsletter was imported, added or invited. A public one has its archive
in each state.
"""

from django.db import models

from digest.newsletters.errors import NewsletterError


class NewsletterState(models.TextChoices):
    """Who may know of a newsletter, who may subscribe, and whether it is sent."""

    PRIVATE = "private"
    ANNOUNCED = "announced"
    LIVE = "live"
    PAUSED = "paused"
    CLOSED = "closed"


PUBLIC = frozenset(NewsletterState) - {NewsletterState.PRIVATE}
OPEN = PUBLIC - {NewsletterState.CLOSED}
SENDING = frozenset({NewsletterState.PRIVATE, NewsletterState.LIVE})

MEANINGS = {
    NewsletterState.PRIVATE: (
        "On no public page. Sent on schedule to those whom you import, add or invite."
    ),
    NewsletterState.ANNOUNCED: "On the public pages. Anybody can sign up. Nothing is sent yet.",
    NewsletterState.LIVE: "On the public pages. Anybody can sign up. Sent on schedule.",
    NewsletterState.PAUSED: (
        "Not sent on schedule for now. Sign-ups stay open, and the pages say that it is paused."
    ),
    NewsletterState.CLOSED: "Has ended: nobody can sign up. Its archive stays public.",
}


class HasState(models.Model):
    """A newsletter's state, and what follows from it."""

    state = models.CharField(max_length=16, choices=NewsletterState, default=NewsletterState.LIVE)

    class Meta:
        abstract = True

    @property
    def is_public(self) -> bool:
        """Whether public pages show it."""
        return self.state in PUBLIC

    @property
    def accepts_signups(self) -> bool:
        """Whether anybody may subscribe."""
        return self.state in OPEN

    @property
    def is_sending(self) -> bool:
        """Whether its issues go out on schedule."""
        return self.state in SENDING


def require_possible(state: str, wish: str) -> None:
    """Raise NewsletterError for a change that would show what was private by the way.

    Whoever pauses or closes a private newsletter wants it to rest, not to publish it.
    """
    if state == NewsletterState.PRIVATE and wish in {
        NewsletterState.PAUSED,
        NewsletterState.CLOSED,
    }:
        raise NewsletterError(
            f"A private newsletter cannot be {wish}: that would show it and its issues on the "
            "public pages. To stop it, set its schedule to manual only."
        )
