"""The rule of a newsletter, what it would touch, and how it is changed."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError

from digest.bounces.models import Sunset, SunsetQuestion
from digest.bounces.sunset import asking
from digest.core.errors import DigestError
from digest.newsletters.models import Newsletter


class SunsetError(DigestError):
    """A rule cannot be set as requested."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many subscribers a rule touches now, or why nobody can tell; and its past questions."""

    problem: str
    inactive: int | None
    outcomes: dict[str, int]  # by SunsetQuestion.Outcome


def find_rule(slug: str) -> Sunset:
    """Return the rule of a newsletter by its slug; raises SunsetError naming those that exist."""
    newsletters = Newsletter.objects.select_related("publication")
    if newsletter := newsletters.filter(slug=slug).first():
        return asking.rule_of(newsletter)
    slugs = ", ".join(newsletters.order_by("slug").values_list("slug", flat=True)[:20])
    raise SunsetError(f"There is no newsletter {slug!r}. There are: {slugs or 'none'}.")


def forecast(sunset: Sunset, now: datetime) -> Forecast:
    """Return what a rule would do, also while it is off."""
    problem = asking.obstacle(sunset, now)
    questions = SunsetQuestion.objects.filter(subscription__newsletter=sunset.newsletter_id)
    outcomes = {
        outcome.value: questions.filter(outcome=outcome).count()
        for outcome in SunsetQuestion.Outcome
    }
    return Forecast(problem, None if problem else asking.inactive(sunset, now).count(), outcomes)


def change_rule(
    sunset: Sunset,
    now: datetime,
    *,
    issues: int | None = None,
    months: int | None = None,
    active: bool | None = None,
) -> None:
    """Change and store a rule; raises SunsetError where it cannot be on or a value does not fit."""
    sunset.issues = sunset.issues if issues is None else issues
    sunset.months = sunset.months if months is None else months
    sunset.active = sunset.active if active is None else active
    try:
        sunset.clean_fields()
    except ValidationError as cause:
        raise SunsetError(" ".join(cause.messages)) from cause
    if sunset.active and (problem := asking.obstacle(sunset, now)):
        raise SunsetError(problem)
    sunset.save()
