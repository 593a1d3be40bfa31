"""The steps of a first run. Nobody's place is remembered: the database says what is left."""

from dataclasses import dataclass
from enum import Enum

from django.urls import reverse

from digest.issues.models import Issue
from digest.newsletters import sourcing
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscription


class Step(Enum):
    """A page of the first run, and what it is called."""

    ACCOUNT = "Account"
    PUBLICATION = "Publication"
    SENDER = "Sender and relay"
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
    """A step as it stands above a page."""

    number: int
    name: str
    state: str  # done, now, open, or later
    url: str = ""


def left() -> tuple[Publication | None, Step]:
    """Return the next step left, and of which publication: the youngest that is not done."""
    unfinished = Publication.objects.filter(newsletters=None).order_by("-pk").first()
    if unfinished:
        return unfinished, _next(unfinished)
    last = Newsletter.objects.select_related("publication").order_by("-pk").first()
    return (last.publication, Step.TEST) if last else (None, Step.PUBLICATION)


def is_first_run() -> bool:
    """Say whether this installation has sent nothing yet and has nobody to send to."""
    if not Newsletter.objects.exists():
        return True
    return not (Issue.objects.exists() or Subscription.objects.exists())


def marks(publication: Publication | None, now: Step) -> list[Mark]:
    """Return all steps as they stand above a page."""
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
    # A sender is proposed with the publication; whether somebody looked at it, nothing tells.
    return Step.NEWSLETTER if sourcing.available_sources(publication).exists() else Step.SENDER


def _reached(publication: Publication | None) -> Step:
    """Return the last step that can be opened."""
    if publication is None:
        return Step.PUBLICATION
    if publication.newsletters.exists():
        return Step.TEST
    return Step.NEWSLETTER if sourcing.available_sources(publication).exists() else Step.SOURCE


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
