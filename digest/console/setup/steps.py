"""The steps of a first run. Progress is not stored: the data shows which steps are done."""

from dataclasses import dataclass
from enum import Enum

from django.urls import reverse

from digest.issues.models import Issue
from digest.newsletters import sourcing
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscription


class Step(Enum):
    """A page of the first run, with its name."""

    ACCOUNT = "Account"
    PUBLICATION = "Publication"
    SENDER = "Sender and mail server"
    SOURCE = "Source"
    NEWSLETTER = "Newsletter"
    TEST = "Test mail"

    @property
    def number(self) -> int:
        """Count from 1."""
        return ORDER.index(self) + 1


ORDER = tuple(Step)


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in the list above a page."""

    number: int
    name: str
    state: str  # done, now, open, or later
    url: str = ""


def left() -> tuple[Publication | None, Step]:
    """Return the next step that is not done, and its publication: the newest unfinished one."""
    unfinished = Publication.objects.filter(newsletters=None).order_by("-pk").first()
    if unfinished:
        return unfinished, _next(unfinished)
    last = Newsletter.objects.select_related("publication").order_by("-pk").first()
    return (last.publication, Step.TEST) if last else (None, Step.PUBLICATION)


def is_first_run() -> bool:
    """Say whether this installation has no issues and no subscribers yet."""
    if not Newsletter.objects.exists():
        return True
    return not (Issue.objects.exists() or Subscription.objects.exists())


def marks(publication: Publication | None, now: Step) -> list[Mark]:
    """Return all steps for the list above a page."""
    reached = _reached(publication)
    return [
        Mark(step.number, step.value, _state(step, now, reached), _url(step, publication, reached))
        for step in ORDER
    ]


def url_of(step: Step, publication: Publication | None) -> str:
    """Return a step's page."""
    if publication is None:
        return reverse("setup:account" if step is Step.ACCOUNT else "setup:begin")
    return reverse(f"setup:{step.name.lower()}", args=[publication.pk])


def newsletter_of(publication: Publication) -> Newsletter | None:
    """Return the newsletter that a publication was set up with."""
    return publication.newsletters.order_by("pk").first()


def _next(publication: Publication) -> Step:
    # The sender is suggested with the publication; the data does not show if it was checked.
    return Step.NEWSLETTER if sourcing.sources_of(publication).exists() else Step.SENDER


def _reached(publication: Publication | None) -> Step:
    """Return the last step that can be opened."""
    if publication is None:
        return Step.PUBLICATION
    if publication.newsletters.exists():
        return Step.TEST
    return Step.NEWSLETTER if sourcing.sources_of(publication).exists() else Step.SOURCE


def _state(step: Step, now: Step, reached: Step) -> str:
    if step is now:
        return "now"
    if step.number > reached.number:
        return "later"
    return "done" if step.number < reached.number else "open"


def _url(step: Step, publication: Publication | None, reached: Step) -> str:
    if step is Step.ACCOUNT or publication is None or step.number > reached.number:
        return ""
    return url_of(step, publication)
