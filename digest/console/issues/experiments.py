"""The card "Test" of an issue's page, and what its buttons do."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest

from django.http import HttpRequest

from digest.analytics.experiments import deciding, reporting
from digest.analytics.experiments.reporting import Report
from digest.console.access import parse_id, user_of
from digest.console.issues.form_values import read_number, read_optional
from digest.console.issues.refused import RefusedForm
from digest.core import clock
from digest.issues.experiments import variants
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue

FIELDS = range(1, variants.MOST_VARIANTS + 1)
TIMES = {30: "30 minutes", 60: "1 hour", 120: "2 hours", 240: "4 hours", 720: "12 hours"}
USUAL_SHARE, USUAL_MINUTES = 20, 120


@dataclass(frozen=True, slots=True)
class Card:
    """What the card shows."""

    problem: str  # why this issue cannot test; "" if it can
    kind: str  # of Experiment.Kind: the form that is open
    subjects: list[tuple[int, str]]  # number and text of each field
    leads: list[tuple[int, int | None]]  # number and story of each field
    stories: list[tuple[int, str]]  # ids and titles of those that may stand first
    first: str  # the title of the one that does
    share: int | str  # as it was typed, if that was refused
    minutes: int
    times: dict[int, str]
    report: Report | None  # of the experiment that the issue has
    is_running: bool  # it can be ended early
    refusal: str  # why what was typed was not saved

    @property
    def is_set(self) -> bool:
        """Whether the issue has an experiment."""
        return self.report is not None

    @property
    def is_open(self) -> bool:
        """Whether a form is open: it has what was saved, or what was refused."""
        return self.is_set or bool(self.refusal)

    @property
    def has_begun(self) -> bool:
        """Whether there are results to show."""
        return self.report is not None and self.report.experiment.has_begun


def card(issue: Issue, subject: str, refused: RefusedForm) -> Card:
    """Return the card of an issue whose own subject is `subject`, with what was refused."""
    report = reporting.report_of(issue, subject)
    experiment = report.experiment if report else Experiment()
    minutes = experiment.minutes or USUAL_MINUTES
    times = {minutes: clock.in_words(timedelta(minutes=minutes)).removeprefix("in ")} | TIMES
    entries = refused.values if refused.verb == save_experiment.__name__ else {}
    chosen = parse_id(entries.get("minutes", ""))
    stories = [(story.pk, story.title) for story in variants.ordered_stories(issue)]
    return Card(
        problem=variants.problem_of(issue),
        kind=entries.get("kind") or experiment.kind,
        subjects=[
            (n, entries.get(f"subject-{n}", text or ""))
            for n, text in zip_longest(FIELDS, experiment.subjects)
        ],
        leads=[
            (n, parse_id(entries[f"lead-{n}"]) if entries else story)
            for n, story in zip_longest(FIELDS, experiment.leads)
        ],
        stories=stories[1:],
        first=stories[0][1] if stories else "",
        share=entries.get("share") or experiment.share or USUAL_SHARE,
        minutes=chosen if chosen in times else minutes,
        times=times,
        report=report,
        is_running=experiment.has_begun and not experiment.decided_at,
        refusal=refused.problem if entries else "",
    )


def save_experiment(issue: Issue, request: HttpRequest) -> str:
    """Test other subjects, or other leads, in this issue."""
    is_of_leads = request.POST.get("kind") == Experiment.Kind.LEADS
    leads = [read_optional(request, f"lead-{n}") for n in FIELDS if request.POST.get(f"lead-{n}")]
    experiment = variants.save(
        issue,
        read_optional(request, "revision"),
        user_of(request),
        subjects=[] if is_of_leads else [request.POST.get(f"subject-{n}", "") for n in FIELDS],
        leads=[pk for pk in leads if pk is not None] if is_of_leads else [],
        share=read_number(request, "share"),
        minutes=read_number(request, "minutes"),
    )
    kind = experiment.get_kind_display()
    return f"{experiment.share} % of the subscribers will test {experiment.variants} {kind}."


def remove_experiment(issue: Issue, request: HttpRequest) -> str:
    """Test nothing."""
    variants.remove(issue, read_optional(request, "revision"), user_of(request))
    return "The test was removed. Everyone gets the same email."


def end_experiment(issue: Issue, request: HttpRequest) -> str:
    """End the test now; the others get the chosen variant."""
    variant = read_number(request, "variant")
    deciding.choose(issue, variant, user_of(request), clock.now())
    return "The test has ended. The others get the one that you chose."


VERBS = {action.__name__: action for action in (save_experiment, remove_experiment, end_experiment)}
