"""What an experiment tries, how it does, and how it ended: for console, API and command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from digest.analytics.experiments import deciding
from digest.core import clock
from digest.core.clock import format_moment
from digest.issues.experiments.models import Experiment
from digest.issues.experiments.variants import experiment_of, ordered_stories
from digest.issues.models import Issue, Story

Finding = Experiment.Finding
Kind = Experiment.Kind
MISSING = "A story that is not in the issue any more"


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant, and what it has achieved."""

    number: int  # 0: the issue as it is
    label: str  # its subject, or the title of the story that stands first
    story_id: int | None  # of that story
    mails: int  # sent with it
    clickers: int  # people who clicked
    best: float | None  # how probable it is that it is the best, 0 to 1; None: not known yet
    is_winner: bool

    @property
    def rate(self) -> float | None:
        """The share of the mails that people clicked; None: none was sent."""
        return self.clickers / self.mails if self.mails else None

    @property
    def percent(self) -> float | None:
        """The share in per cent."""
        return None if self.rate is None else 100 * self.rate

    @property
    def best_percent(self) -> float | None:
        """The probability in per cent."""
        return None if self.best is None else 100 * self.best


@dataclass(frozen=True, slots=True)
class Report:
    """An experiment, with its variants."""

    experiment: Experiment
    status: str  # a sentence or two for people
    variants: Sequence[Variant]


def report_of(issue: Issue, subject: str = "") -> Report | None:
    """Return the report of an issue's experiment, if it has one; `subject` is the issue's own."""
    experiment = experiment_of(issue)
    if experiment is None:
        return None
    return Report(experiment, status_of(experiment, issue), _variants(experiment, issue, subject))


def values_of(report: Report) -> dict[str, Any]:
    """Return a report as plain values, for API, webhooks and `--json`; times are in UTC."""
    experiment = report.experiment
    return {
        "kind": str(experiment.kind),
        "status": report.status,
        "share": experiment.share,
        "minutes": experiment.minutes,
        "decides_at": experiment.decides_at,
        "decided_at": experiment.decided_at,
        "finding": str(experiment.finding) or None,
        "reason": experiment.reason,
        "winner": experiment.winner,
        "variants": [
            {
                "variant": row.number,
                "label": row.label,
                "story": row.story_id,
                "mails": row.mails,
                "clickers": row.clickers,
                "click_rate": row.rate,
                "best": row.best,
            }
            for row in report.variants
        ],
    }


def status_of(experiment: Experiment, issue: Issue) -> str:
    """Return what an experiment does or did, for people."""
    zone = clock.zone(issue.newsletter.publication.timezone)
    if experiment.finding == Finding.STOPPED:
        return f"It was stopped. {experiment.reason} Everyone else got the issue as it is."
    if experiment.decided_at:
        endings = _ENDINGS if experiment.share < 100 else _ENDINGS_OF_ALL
        ending = endings[Finding(experiment.finding)]
        return ending.format(moment=format_moment(experiment.decided_at, zone))
    if issue.state == Issue.State.CANCELLED:
        return "The issue was cancelled before the experiment was decided."
    if experiment.paused_at:
        return "The issue is paused, and the experiment with it. It goes on when you resume."
    if experiment.decides_at:
        until = format_moment(experiment.decides_at, zone)
        return f"Testing until {until}. The others wait until then."
    rest = "the rest gets the best one" if experiment.share < 100 else "all subscribers take part"
    minutes = clock.in_words(timedelta(minutes=experiment.minutes)).removeprefix("in ")
    return f"{experiment.share} % of the subscribers, {minutes}; {rest}."


_ENDINGS = {
    Finding.WINNER: "Decided on {moment}. The others got the best one.",
    Finding.NO_DIFFERENCE: (
        "No difference that is certain enough. The others got the issue as it is."
    ),
    Finding.CHOSEN: "Ended early on {moment}. The others got the one that was chosen.",
}


_ENDINGS_OF_ALL = {  # all subscribers took part
    Finding.WINNER: "Decided on {moment}. All subscribers had taken part.",
    Finding.NO_DIFFERENCE: "No difference that is certain enough. All subscribers had taken part.",
    Finding.CHOSEN: "Ended early on {moment}. All subscribers had taken part.",
}


def _variants(experiment: Experiment, issue: Issue, subject: str) -> list[Variant]:
    labels = _labels(experiment, issue, subject)
    rows = experiment.results or [
        {"mails": arm.mails, "clickers": arm.clickers} for arm in deciding.arms_of(experiment)
    ]
    has_winner = experiment.finding in {Finding.WINNER, Finding.CHOSEN}
    return [
        Variant(
            number,
            label,
            story_id,
            int(row["mails"]),
            int(row["clickers"]),
            row.get("best"),
            is_winner=has_winner and number == experiment.winner,
        )
        for number, ((label, story_id), row) in enumerate(zip(labels, rows, strict=True))
    ]


def _labels(experiment: Experiment, issue: Issue, subject: str) -> list[tuple[str, int | None]]:
    """Return the subject, or the title and id of the first story, of each variant."""
    if experiment.kind == Kind.SUBJECTS:
        return [(text, None) for text in (subject or issue.subject, *experiment.subjects)]
    first: list[tuple[str, int | None]] = [
        (story.title, story.pk) for story in ordered_stories(issue)[:1]
    ]
    titles = dict(Story.objects.filter(issue=issue).values_list("pk", "title"))
    rest: list[tuple[str, int | None]] = [(titles.get(pk, MISSING), pk) for pk in experiment.leads]
    return [*(first or [(MISSING, None)]), *rest]
