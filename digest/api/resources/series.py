"""Series: welcome mails and others that each subscriber gets in their own time."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.lookup import of_newsletter
from digest.api.paging import Page, PageQuery, paginate
from digest.api.routing import Operations
from digest.api.schemas import Id, Payload, Slug, Switch
from digest.core import clock
from digest.series import switching
from digest.series.models import Enrolment, Series
from digest.series.numbers import StepNumbers, counts_by_state, numbers_in

router = Operations(tags=["series"])


class SeriesQuery(PageQuery):
    """Which series."""

    newsletter: Slug | None = None


class EnrolmentQuery(PageQuery):
    """Which subscribers of a series."""

    state: Enrolment.State | None = None


class StatesOut(BaseModel):
    """How many subscribers there are in each state."""

    active: int = Field(description="In the series now.")
    completed: int = Field(description="Had every step.")
    converted: int = Field(description="Reached the goal.")
    stopped: int = Field(description="Left at a step whose condition did not hold.")
    left: int = Field(description="Unsubscribed, or may not be mailed.")
    removed: int = Field(description="Removed by the team.")


class SeriesOut(BaseModel):
    """A series."""

    id: int
    newsletter: str
    name: str
    trigger: Series.Trigger
    active: bool
    goal: Series.Goal = Field(description="Empty: none.")
    avoids_issues: bool
    hour_from: int | None = Field(description="Of each subscriber's day; null: at any hour.")
    hour_until: int | None
    subscribers: StatesOut
    created_at: datetime


class StepOut(BaseModel):
    """A step in numbers: of all the versions of its mail together."""

    number: int
    subject: str
    delay_minutes: int
    condition: str
    issue: int | None = Field(description="The version that is sent now.")
    waiting: int
    skipped: int
    sent: int
    delivered: int
    clickers: int = Field(description="People, without machines.")
    unsubscribes: int


class SeriesDetailsOut(SeriesOut):
    """A series with its steps, and what keeps it from running."""

    problems: list[str]
    mails_at_once: int = Field(description="Sent at once if it were switched on now.")
    steps: list[StepOut]


class EnrolmentOut(BaseModel):
    """A subscriber in a series."""

    id: int
    subscriber: int
    email: str
    state: str
    step: int | None = Field(description="The number of the next step.")
    due_at: datetime | None
    entered_at: datetime
    ended_at: datetime | None


class SwitchIn(Payload):
    """On or off."""

    active: Switch
    mails_at_once: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="So many mails may be sent at once; without it none."
    )
    existing: Switch = Field(
        default=False, description="Everybody who subscribes now enters it too."
    )


@router.read("/series", Scope.NEWSLETTERS_READ, returns=Page[SeriesOut])
def list_series(request: HttpRequest, query: Query[SeriesQuery]) -> Any:
    """List series."""
    caller = caller_of(request)
    rows = of_newsletter(caller, _rows(caller), query.newsletter)
    return paginate(rows, query, "series", _serialize)


@router.read("/series/{series_id}", Scope.NEWSLETTERS_READ, returns=SeriesDetailsOut)
def show_series(request: HttpRequest, series_id: Id) -> Any:
    """Show a series with its steps in numbers."""
    return _details(get_object_or_404(_rows(caller_of(request)), pk=series_id))


@router.run("/series/{series_id}/switch", Scope.ISSUES_SEND, returns=SeriesDetailsOut)
def switch_series(request: HttpRequest, series_id: Id, payload: SwitchIn) -> Any:
    """Switch a series on or off; again, nothing changes.

    409 where it cannot run, or would send more mails at once than `mails_at_once` allows. While it
    is off, whoever is in it waits.
    """
    row = get_object_or_404(_rows(caller_of(request)), pk=series_id)
    if payload.active:
        switching.switch_on(
            row, clock.now(), agreed=payload.mails_at_once, existing=payload.existing
        )
    else:
        switching.switch_off(row, clock.now())
    return _details(row)


@router.read("/series/{series_id}/subscribers", Scope.SUBSCRIBERS_READ, returns=Page[EnrolmentOut])
def list_series_subscribers(
    request: HttpRequest, series_id: Id, query: Query[EnrolmentQuery]
) -> Any:
    """List who is or was in a series, and where."""
    row = get_object_or_404(_rows(caller_of(request)), pk=series_id)
    rows = row.enrolments.select_related("subscriber", "next_step")
    if query.state:
        rows = rows.filter(state=query.state)
    return paginate(rows, query, f"series {row.pk}", _serialize_enrolment)


def _rows(caller: Caller) -> QuerySet[Series]:
    rows = Series.objects.select_related("newsletter__publication", "newsletter__schedule")
    return caller.scope.filter(rows, "newsletter__publication")


def _details(row: Series) -> dict[str, Any]:
    now = clock.now()
    return _serialize(row) | {
        "problems": switching.problems_of(row, now),
        "mails_at_once": 0 if row.active else switching.forecast(row, now).mails,
        "steps": [_serialize_step(step) for step in numbers_in(row).steps],
    }


_FIELDS = (
    *("id", "name", "trigger", "active", "goal", "avoids_issues"),
    *("hour_from", "hour_until", "created_at"),
)


def _serialize(row: Series) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _FIELDS}
    return values | {"newsletter": row.newsletter.slug, "subscribers": counts_by_state(row)}


def _serialize_step(row: StepNumbers) -> dict[str, Any]:
    return row.summary | {"condition": row.step.condition, "issue": row.step.version_id}


def _serialize_enrolment(row: Enrolment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "subscriber": row.subscriber_id,
        "email": row.subscriber.email,
        "state": row.state,
        "step": row.next_step.number if row.next_step else None,
        "due_at": row.due_at,
        "entered_at": row.entered_at,
        "ended_at": row.ended_at,
    }
