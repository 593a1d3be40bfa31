"""Inactive subscribers of a newsletter: when they are asked whether they want to stay."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.lookup import get_newsletter
from digest.api.routing import Operations
from digest.api.schemas import Payload, Slug, Switch
from digest.bounces.models import Sunset
from digest.bounces.sunset import asking, rules
from digest.core import clock

router = Operations(tags=["newsletters"])

Issues = Annotated[int, Field(ge=3, le=1_000, strict=True)]
Months = Annotated[int, Field(ge=1, le=36, strict=True)]


class SunsetPatch(Payload):
    """What to change of the rule. Absent fields stay as they are."""

    active: Switch | None = None
    issues: Issues | None = Field(None, description="Received within the months, at least.")
    months: Months | None = Field(None, description="Without a sign of life.")


class QuestionsOut(BaseModel):
    """How many were asked, by what came of it."""

    open: int = Field(description="Asked, and not answered yet.")
    stayed: int
    paused: int = Field(description="Paused after two weeks without an answer.")


class SunsetOut(BaseModel):
    """The rule of a newsletter, and what it touches."""

    active: bool
    issues: int = Field(description="Received within the months, at least.")
    months: int = Field(description="Without a sign of life.")
    problem: str = Field(description="Why the rule cannot be on; empty where it can.")
    inactive: int | None = Field(
        description="Subscribers it touches now, also while it is off; null if nobody can tell."
    )
    questions: QuestionsOut


@router.read("/newsletters/{slug}/sunset", Scope.NEWSLETTERS_READ, returns=SunsetOut)
def show_sunset(request: HttpRequest, slug: Slug) -> Any:
    """Show when subscribers count as inactive, and how many do."""
    return _serialize(asking.rule_of(get_newsletter(caller_of(request), slug)))


@router.change("/newsletters/{slug}/sunset", Scope.NEWSLETTERS_WRITE, returns=SunsetOut)
def change_sunset(request: HttpRequest, slug: Slug, payload: SunsetPatch) -> Any:
    """Change the rule, or switch it on or off.

    It cannot be on where clicks are not counted for each subscriber (409).
    """
    sunset = asking.rule_of(get_newsletter(caller_of(request), slug))
    rules.change_rule(sunset, clock.now(), **payload.model_dump())
    return _serialize(sunset)


def _serialize(sunset: Sunset) -> dict[str, Any]:
    forecast = rules.forecast(sunset, clock.now())
    return {
        "active": sunset.active,
        "issues": sunset.issues,
        "months": sunset.months,
        "problem": forecast.problem,
        "inactive": forecast.inactive,
        "questions": forecast.outcomes,
    }
