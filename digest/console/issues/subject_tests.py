"""The card "Test subjects" of an issue's page, and what its buttons do."""

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest

from digest.analytics.experiments import deciding
from digest.console.access import user_of
from digest.console.issues.form_values import read_number, read_optional
from digest.core import clock
from digest.issues import subject_tests
from digest.issues.models import Issue, SubjectTest

FIELDS = range(1, subject_tests.MOST_SUBJECTS + 1)
TIMES = {30: "30 minutes", 60: "1 hour", 120: "2 hours", 240: "4 hours", 720: "12 hours"}
USUAL_SHARE, USUAL_MINUTES = 20, 120


@dataclass(frozen=True, slots=True)
class Variant:
    """A line of the results."""

    subject: str
    mails: int
    clickers: int
    rate: float | None  # per cent; None: nothing was sent
    best: float | None  # per cent, once it is decided
    is_winner: bool


@dataclass(frozen=True, slots=True)
class Card:
    """What the card shows."""

    problem: str  # why this newsletter cannot test; "" if it can
    subjects: list[tuple[int, str]]  # number and text of each field
    share: int
    minutes: int
    times: dict[int, str]
    status: str  # of a test that has begun
    variants: list[Variant]
    is_set: bool


def card(issue: Issue, subject: str) -> Card:
    """Return the card of an issue whose own subject is `subject`."""
    test = SubjectTest.objects.filter(issue=issue).select_related("issue").first()
    texts = list(test.subjects) if test else []
    minutes = test.minutes if test else USUAL_MINUTES
    has_begun = test is not None and test.decides_at is not None
    return Card(
        problem=subject_tests.problem_of(issue.newsletter),
        subjects=[(n, texts[n - 1] if n <= len(texts) else "") for n in FIELDS],
        share=test.share if test else USUAL_SHARE,
        minutes=minutes,
        times={minutes: _in_words(minutes)} | TIMES,
        status=_status(test, issue) if test else "",
        variants=_variants(test, subject) if test and has_begun else [],
        is_set=test is not None,
    )


def save_subject_test(issue: Issue, request: HttpRequest) -> str:
    """Test other subjects in this issue."""
    test = subject_tests.save(
        issue,
        read_optional(request, "revision"),
        user_of(request),
        [request.POST.get(f"subject-{number}", "") for number in FIELDS],
        share=read_number(request, "share"),
        minutes=read_number(request, "minutes"),
    )
    return f"{test.share} % of the subscribers will test {len(test.subjects) + 1} subjects."


def remove_subject_test(issue: Issue, request: HttpRequest) -> str:
    """Test no other subject."""
    subject_tests.remove(issue, read_optional(request, "revision"), user_of(request))
    return "The test was removed. Everyone gets the same subject."


VERBS = {action.__name__: action for action in (save_subject_test, remove_subject_test)}


def _status(test: SubjectTest, issue: Issue) -> str:
    zone = clock.zone(issue.newsletter.publication.timezone)
    if test.decides_at is None:
        rest = "the rest gets the best one" if test.share < 100 else "all subscribers take part"
        return f"{test.share} % of the subscribers, {_in_words(test.minutes)}; {rest}."
    if test.decided_at is None:
        until = clock.format_moment(test.decides_at, zone)
        return f"Testing until {until}. The others wait until then."
    if test.finding == SubjectTest.Finding.NO_DIFFERENCE:
        return "No difference that is certain enough. The others got the issue's own subject."
    return (
        f"Decided on {clock.format_moment(test.decided_at, zone)}. The others got the best subject."
    )


def _variants(test: SubjectTest, subject: str) -> list[Variant]:
    if test.decided_at:
        results = test.results
    else:
        results = [{"mails": arm.mails, "clickers": arm.clickers} for arm in deciding.arms_of(test)]
    return [
        Variant(
            text,
            row["mails"],
            row["clickers"],
            100 * row["clickers"] / row["mails"] if row["mails"] else None,
            100 * row["best"] if "best" in row else None,
            is_winner=test.finding == SubjectTest.Finding.WINNER and number == test.winner,
        )
        for number, (text, row) in enumerate(zip([subject, *test.subjects], results, strict=True))
    ]


def _in_words(minutes: int) -> str:
    return clock.in_words(timedelta(minutes=minutes)).removeprefix("in ")
