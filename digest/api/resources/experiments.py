"""The experiment of an issue: other subjects or other lead stories, tried on a share of the list.

set > show > end early, or wait until it is decided
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.analytics.experiments import deciding, reporting
from digest.api.authentication import caller_of
from digest.api.resources.issue_schemas import Revision
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload
from digest.core import clock
from digest.issues.experiments import variants
from digest.issues.experiments.variants import MINUTES, MOST_VARIANTS, SHARES
from digest.issues.models import Issue

router = Operations(tags=["issues"])

Variant = Annotated[int, Field(strict=True, ge=0, le=MOST_VARIANTS)]


class RevisionQuery(Payload):
    """The revision of the issue that the caller saw."""

    revision: Revision | None = None


class ExperimentIn(Payload):
    """What is tried, on whom, and for how long. Either subjects or leads."""

    revision: Revision | None = Field(None, description="The revision that the caller saw.")
    subjects: Annotated[list[Line], Field(max_length=MOST_VARIANTS)] = Field(
        [], description="Other subjects: plain text, at most 250 characters each."
    )
    leads: Annotated[list[Id], Field(max_length=MOST_VARIANTS)] = Field(
        [], description="Ids of stories of the issue, each of which changes places with the first."
    )
    share: Annotated[int, Field(ge=SHARES[0], le=SHARES[-1])] = Field(
        20, description="Per cent of the subscribers, all variants together."
    )
    minutes: Annotated[int, Field(ge=MINUTES[0], le=MINUTES[-1])] = Field(
        120, description="For which clicks are counted, from when the issue goes out."
    )


class ChoiceIn(Payload):
    """Which variant the rest gets."""

    variant: Variant = Field(description="0: the issue as it is.")


class VariantOut(BaseModel):
    """A variant, and what it has achieved until now or until the end."""

    variant: int = Field(description="0: the issue as it is.")
    label: str = Field(description="Its subject, or the title of its first story.")
    story: int | None = Field(description="The id of that story, where leads are tested.")
    mails: int = Field(description="Mails sent with it.")
    clickers: int = Field(description="People who clicked.")
    click_rate: float | None = Field(description="Their share of the mails, 0 to 1.")
    best: float | None = Field(
        description="How probable it is that it is the best, 0 to 1. Null: not decided."
    )


class ExperimentOut(BaseModel):
    """An experiment, with its variants and its result."""

    kind: Literal["subjects", "leads"]
    status: str = Field(description="What it does or did, in words.")
    share: int
    minutes: int
    decides_at: datetime | None = Field(description="Null: it has not begun.")
    decided_at: datetime | None
    finding: Literal["winner", "no_difference", "chosen", "stopped"] | None = Field(
        description="`no_difference`: none is the best with 95 % or more. `chosen`: ended early."
    )
    reason: str = Field(description="Why it was stopped.")
    winner: int | None = Field(description="The variant that the rest gets.")
    variants: list[VariantOut]


@router.read("/issues/{issue_id}/experiment", Scope.ISSUES_READ, returns=ExperimentOut)
def show_experiment(request: HttpRequest, issue_id: Id) -> Any:
    """Show the experiment of an issue; 404 if it has none."""
    return _experiment_out(_issue(request, issue_id))


@router.run("/issues/{issue_id}/experiment", Scope.ISSUES_WRITE, returns=ExperimentOut)
def set_experiment(request: HttpRequest, issue_id: Id, payload: ExperimentIn) -> Any:
    """Set what an issue tries, instead of what it tried before. An approval is taken away."""
    issue, by = _issue(request, issue_id), caller_of(request).token.owner
    variants.save(issue, payload.revision, by, **payload.model_dump(exclude={"revision"}))
    return _experiment_out(issue)


@router.remove("/issues/{issue_id}/experiment", Scope.ISSUES_WRITE)
def remove_experiment(request: HttpRequest, issue_id: Id, query: Query[RevisionQuery]) -> Any:
    """Remove the experiment of an issue that has not gone out. Everyone gets the issue as it is."""
    by = caller_of(request).token.owner
    variants.remove(_issue(request, issue_id), query.revision, by)
    return Status(204, None)


@router.run("/issues/{issue_id}/experiment/end", Scope.ISSUES_SEND, returns=ExperimentOut)
def end_experiment(request: HttpRequest, issue_id: Id, payload: ChoiceIn) -> Any:
    """End an experiment that is running: the rest gets a variant of your choice, at once."""
    issue, by = _issue(request, issue_id), caller_of(request).token.owner
    deciding.choose(issue, payload.variant, by, clock.now())
    return _experiment_out(issue)


def _experiment_out(issue: Issue) -> dict[str, Any]:
    report = reporting.report_of(issue)
    if report is None:
        raise Http404("This issue has no experiment.")
    return reporting.values_of(report)


def _issue(request: HttpRequest, issue_id: int) -> Issue:
    issues = caller_of(request).scope.issues().select_related("newsletter__publication")
    return get_object_or_404(issues, pk=issue_id)
