"""Newsletters: list, show, create, change; pick an article for the next issue."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import find_segment, get_newsletter, get_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Number, Payload, Slug, Switch, Text
from digest.core import clock
from digest.newsletters import contributions, members, schedules, setup
from digest.newsletters.choices import Design, TopicLinks
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Schedule
from digest.newsletters.publicity import restricting, states
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.newsletters.publicity.states import NewsletterState
from digest.rendering.errors import EditorTemplateError
from digest.rendering.opening import opening
from digest.subscribers.audience import audience_of, eligible

router = Operations(tags=["newsletters"])

SLOTS = 5
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
OfferedCadence = Literal["daily", "weekly"]
OFFER = ("cadences", "welcome_with_latest")
STATES = " ".join(f"`{state}`: {text}" for state, text in states.MEANINGS.items())
SmallNumber = Annotated[Number, Field(le=32_767)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]


class ScheduleIn(Payload):
    """A schedule: days and a time, or a cron expression; in a time zone."""

    days: list[Day] = Field([], max_length=7, description="Empty: every day.")
    time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    cron: Annotated[Line, Field(max_length=200)] = ""
    timezone: Annotated[
        Line, Field(max_length=64, description="Empty: the publication's time zone.")
    ] = ""


class NewsletterSettings(Payload):
    """The settings of a newsletter that can always be changed."""

    welcome_with_latest: Switch | None = None
    description: Text | None = None
    subject: Text | None = None
    preheader: Text | None = None
    min_stories: SmallNumber | None = None
    max_stories: SmallNumber | None = None
    look_back_hours: Number | None = None
    thin: Literal["widen", "wait", "skip"] | None = None
    widen_hours: Number | None = None
    catch_up: Literal["send_late", "merge", "skip"] | None = None
    late_minutes: Number | None = None
    uncertain: Literal["resend", "hold"] | None = None
    design: Design | None = None
    share_links: Switch | None = None
    reading_time: Switch | None = Field(None, description="Shown with stories: “4 min read”.")
    contents_from: Annotated[Number, Field(le=100)] | None = Field(
        None, description="So many stories get a list of headlines at the top. 0: never."
    )
    topic_links: TopicLinks | None = Field(
        None, description="Where a mail has “More like this” and “Less like this”."
    )
    approval: Literal["none", "one", "other"] | None = None
    review_minutes: SmallNumber | None = None
    undo_seconds: SmallNumber | None = None


class AudienceIn(Payload):
    """For whom a newsletter is. Absent fields stay as they are."""

    segment: Id | None = Field(None, description="Only its subscribers receive issues. Null: all.")
    membership_url: Annotated[Line, Field(max_length=2_000)] = ""
    archive_access: ArchiveAccess = Field(
        ArchiveAccess.PUBLIC,
        description="Who may read past issues. Absent with a new `segment`: no longer everyone.",
    )
    archive_password: Annotated[Line, Field(max_length=200)] = Field(
        "", description="Empty: the present one stays. It is never shown."
    )


class NewsletterIn(NewsletterSettings):
    """A new newsletter of an existing publication."""

    publication: Slug
    slug: Slug
    name: Name
    state: NewsletterState = Field(NewsletterState.LIVE, description=STATES)
    schedule: ScheduleIn | None = Field(None, description="Null: manual only.")
    topics: dict[Line, list[Line]] = Field(
        {}, description="Topic blocks: each title with its tags."
    )
    cadences: list[OfferedCadence] = Field([], max_length=2)
    audience: AudienceIn | None = None


class NewsletterPatch(NewsletterSettings):
    """Changes to a newsletter. Absent fields stay as they are."""

    name: Name | None = None
    state: NewsletterState | None = Field(None, description=STATES)
    schedule: ScheduleIn | None = None
    audience: AudienceIn | None = None
    cadences: Annotated[list[OfferedCadence], Field(max_length=2)] | None = None


class PickIn(Payload):
    """An article for the top of the next issue."""

    article: Annotated[Id, Field(strict=True)]


class NewsletterOut(BaseModel):
    """A newsletter."""

    id: int
    slug: str
    name: str
    publication: str
    state: NewsletterState
    list_id: str
    timezone: str
    next_slots: list[datetime] = Field(description="When the next issues are sent, in UTC.")
    warnings: list[str] = Field(description="What may surprise about its schedule.")
    cadences: list[str]
    welcome_with_latest: bool


class NewsletterDetailOut(NewsletterOut):
    """A newsletter with its sources, layout and policies."""

    subscribers: int = Field(description="Number of subscribers who would receive an issue now.")
    sources: list[int]
    layout: list[dict[str, Any]]
    policies: dict[str, Any]
    audience: dict[str, Any] = Field(description="Segment, address of the membership, archive.")


_STRICTNESS = {"none": 0, "one": 1, "other": 2}  # of approval
LAYOUT_FIELDS = (
    *("kind", "title", "content", "style", "shown_in", "only_topics"),
    *("topics", "source_ids", "max_stories"),
)
POLICIES = (
    *("description", "subject", "preheader", "min_stories", "max_stories"),
    *("look_back_hours", "thin", "widen_hours", "catch_up", "late_minutes", "uncertain"),
    *("approval", "review_minutes", "undo_seconds"),
    *("design", "share_links", "reading_time", "contents_from", "topic_links"),
)


@router.read("/newsletters", Scope.NEWSLETTERS_READ, returns=Page[NewsletterOut])
def list_newsletters(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List newsletters."""
    now = clock.now()
    newsletters = caller_of(request).scope.newsletters()
    return paginate(
        newsletters, query, "newsletters", lambda newsletter: _serialize(newsletter, now)
    )


@router.create("/newsletters", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut)
@idempotent
def create_newsletter(request: HttpRequest, payload: NewsletterIn) -> Any:
    """Create a newsletter with its layout and schedule."""
    now = clock.now()
    caller = caller_of(request)
    newsletter = setup.create_newsletter(
        get_publication(caller, payload.publication),
        slug=payload.slug,
        name=payload.name,
        topics=payload.topics,
        cadences=payload.cadences,
        now=now,
        **(_schedule_options(payload.schedule) if payload.schedule else {}),
        **_present(payload, ("state", *OFFER[1:], *POLICIES)),
    )
    contributions.note(caller.token.owner, newsletter)
    _check_templates(newsletter, now)
    if payload.audience:
        _set_audience(caller, newsletter, payload.audience)
    return Status(201, newsletter_detail_out(Newsletter.objects.get(pk=newsletter.pk), now))


@router.read("/newsletters/{slug}", Scope.NEWSLETTERS_READ, returns=NewsletterDetailOut)
def show_newsletter(request: HttpRequest, slug: Slug) -> Any:
    """Show a newsletter."""
    return newsletter_detail_out(get_newsletter(caller_of(request), slug), clock.now())


@router.change("/newsletters/{slug}", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut)
def change_newsletter(request: HttpRequest, slug: Slug, payload: NewsletterPatch) -> Any:
    """Change a newsletter's settings, its schedule, or its state."""
    caller, now = caller_of(request), clock.now()
    newsletter = get_newsletter(caller, slug)
    if payload.approval and _STRICTNESS[payload.approval] < _STRICTNESS[newsletter.approval]:
        _require_owner(caller, newsletter)
    with transaction.atomic():
        if _changes_content(newsletter, payload):
            contributions.note(caller.token.owner, newsletter)
        if details := _present(payload, ("name", *POLICIES)):
            setup.change_newsletter(newsletter, **details)
            _check_templates(newsletter, now)
        if offer := _present(payload, OFFER):
            setup.set_offer(newsletter, **offer)
        if payload.schedule is not None:
            setup.set_schedule(newsletter, now=now, **_schedule_options(payload.schedule))
        if payload.audience is not None:
            _set_audience(caller, newsletter, payload.audience)
        if payload.state is not None:
            setup.set_state(newsletter, payload.state, now)
    return newsletter_detail_out(Newsletter.objects.get(pk=newsletter.pk), now)


@router.create("/newsletters/{slug}/picks", Scope.NEWSLETTERS_WRITE, returns=NewsletterDetailOut)
@idempotent
def pick_article(request: HttpRequest, slug: Slug, payload: PickIn) -> Any:
    """Pick an article for the top of the next issue. Picking it twice changes nothing."""
    caller, now = caller_of(request), clock.now()
    newsletter = get_newsletter(caller, slug)
    article = get_object_or_404(caller.scope.articles(), pk=payload.article)
    with contributions.noted(caller.token.owner, newsletter):
        setup.pick(newsletter, article, now)
    return Status(201, newsletter_detail_out(newsletter, now))


def _changes_content(newsletter: Newsletter, payload: NewsletterPatch) -> bool:
    """Say whether a change is one of what issues are made of: a private one's have fewer links."""
    if payload.state and (payload.state in states.PUBLIC) != newsletter.is_public:
        return True
    return bool(payload.model_fields_set - {"schedule", "state"})


def _set_audience(caller: Caller, newsletter: Newsletter, audience: AudienceIn) -> None:
    named, segment, url = audience.model_fields_set, newsletter.segment, newsletter.membership_url
    if "segment" in named and audience.segment != newsletter.segment_id:
        if not caller.scope.includes(newsletter.publication_id):
            raise ProblemError(403, "Only a token of the whole publication changes `segment`.")
        segment = find_segment(caller, audience.segment)
    url = audience.membership_url if "membership_url" in named else url
    restricting.set_members(newsletter, segment, url)
    access = audience.archive_access if "archive_access" in named else newsletter.archive_access
    restricting.set_archive(newsletter, access, audience.archive_password)


def _require_owner(caller: Caller, newsletter: Newsletter) -> None:
    """Raise ProblemError (403) unless the token may decide that fewer people approve issues.

    Only an owner may, and only with a token that may approve: one that may not must not decide that
    nobody has to.
    """
    is_owner = members.has_right(caller.token.owner, Right.MANAGE, newsletter.publication_id)
    if not is_owner or Scope.ISSUES_APPROVE not in caller.token.scopes:
        scope = Scope.ISSUES_APPROVE
        raise ProblemError(403, f"To relax `approval`, an owner's token needs the scope {scope}.")


def _schedule_options(payload: ScheduleIn) -> dict[str, Any]:
    if payload.cron and (payload.days or payload.time):
        raise ProblemError(422, "Give either cron, or days and time.")
    if not (payload.cron or payload.time):
        raise ProblemError(422, "A schedule needs a time or a cron expression.")
    days = [DAYS.index(day) for day in payload.days] or range(7)
    return {
        "days": list(days) if payload.time else [],
        "at": time.fromisoformat(payload.time) if payload.time else None,
        "cron": payload.cron,
        "timezone": payload.timezone,
    }


def _check_templates(newsletter: Newsletter, now: datetime) -> None:
    """Raise ProblemError (422) for a template that cannot be rendered; it rolls back the rest."""
    try:
        opening(newsletter, now)
    except EditorTemplateError as problem:
        raise ProblemError(422, str(problem)) from problem


def _present(payload: Payload, names: tuple[str, ...]) -> dict[str, Any]:
    values = payload.model_dump()
    return {name: values[name] for name in names if values[name] is not None}


def _serialize(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    schedule = _schedule(newsletter)
    return {
        "id": newsletter.pk,
        "slug": newsletter.slug,
        "name": newsletter.name,
        "publication": newsletter.publication.slug,
        "state": newsletter.state,
        "list_id": newsletter.list_id,
        "timezone": schedule.timezone if schedule else newsletter.publication.timezone,
        "next_slots": schedules.upcoming(schedules.rule_of(schedule), now, SLOTS)
        if schedule and newsletter.is_sending
        else [],
        "warnings": schedules.warnings(schedule),
        **{name: getattr(newsletter, name) for name in OFFER},
    }


def _schedule(newsletter: Newsletter) -> Schedule | None:
    schedule: Schedule | None = getattr(newsletter, "schedule", None)
    return schedule


def newsletter_detail_out(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    """Return a newsletter with its sources, layout and policies."""
    return _serialize(newsletter, now) | {
        "subscribers": eligible(newsletter.pk, now, audience_of(newsletter, now)).count(),
        "sources": list(newsletter.sources.order_by("pk").values_list("pk", flat=True)),
        "layout": [
            {
                "id": block.pk,
                **{name: getattr(block, name) for name in LAYOUT_FIELDS},
                "segment": block.segment_id,
                "picks": list(block.picks.values_list("article", flat=True)),
            }
            for block in newsletter.layout.all()
        ],
        "audience": {
            "segment": newsletter.segment_id,
            "membership_url": newsletter.membership_url,
            "archive_access": newsletter.archive_access,
        },
        "policies": {name: getattr(newsletter, name) for name in POLICIES},
    }
