"""Newsletters: list, show, create, change; pick an article for the next issue."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import get_newsletter
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES, ProblemError
from digest.api.schemas import Id, Line, Number, Slug, Switch, Text, Told
from digest.core import clock
from digest.newsletters import schedules, setup
from digest.newsletters.models import Newsletter, Schedule
from digest.rendering.errors import EditorTemplateError
from digest.rendering.opening import opening
from digest.subscribers.audience import eligible

router = Router(tags=["newsletters"])

SLOTS = 5
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Offered = Literal["daily", "weekly"]
OFFER = ("cadences", "listed", "welcome_with_latest")
Limited = Annotated[Number, Field(le=32_767)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]


class When(Told):
    """When it goes out: days and a time, or a cron line; in a zone."""

    days: list[Day] = Field([], max_length=7, description="none: every day")
    time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    cron: Annotated[Line, Field(max_length=200)] = ""
    timezone: Annotated[Line, Field(max_length=64, description="the publication's if empty")] = ""


class Terms(Told):
    """What may be said of a newsletter at any time."""

    listed: Switch | None = None
    welcome_with_latest: Switch | None = None
    description: Text | None = None
    subject: Text | None = None
    preheader: Text | None = None
    intro: Text | None = None
    min_stories: Limited | None = None
    max_stories: Limited | None = None
    look_back_hours: Number | None = None
    thin: Literal["widen", "wait", "skip"] | None = None
    widen_hours: Number | None = None
    catch_up: Literal["send_late", "merge", "skip"] | None = None
    late_minutes: Number | None = None
    uncertain: Literal["resend", "hold"] | None = None
    approval: Literal["none", "one", "other"] | None = None
    review_minutes: Limited | None = None
    undo_seconds: Limited | None = None


class NewsletterNew(Terms):
    """A newsletter to be set up, for a publication that is there."""

    publication: Slug
    slug: Slug
    name: Name
    schedule: When | None = Field(None, description="without: sent by hand only")
    topics: dict[Line, list[Line]] = Field({}, description="topic sections: title to tags")
    cadences: list[Offered] = Field([], max_length=2)


class NewsletterChange(Terms):
    """What is to be otherwise; what is absent stays."""

    name: Name | None = None
    active: Switch | None = Field(None, description="false stops the schedule")
    schedule: When | None = None
    cadences: Annotated[list[Offered], Field(max_length=2)] | None = None


class Pick(Told):
    """An article for the head of the next issue."""

    article: Annotated[Id, Field(strict=True)]


class NewsletterFacts(BaseModel):
    """A newsletter."""

    id: int
    slug: str
    name: str
    publication: str
    active: bool
    list_id: str
    timezone: str
    next_slots: list[datetime] = Field(description="when it goes out next, in UTC")
    cadences: list[str]
    listed: bool
    welcome_with_latest: bool


class NewsletterShown(NewsletterFacts):
    """A newsletter with all that is known of it."""

    subscribers: int = Field(description="who would receive it now")
    sources: list[int]
    sections: list[dict[str, Any]]
    policies: dict[str, Any]


POLICIES = (
    *("description", "subject", "preheader", "intro", "min_stories", "max_stories"),
    *("look_back_hours", "thin", "widen_hours", "catch_up", "late_minutes", "uncertain"),
    *("approval", "review_minutes", "undo_seconds"),
)


@router.get(
    "/newsletters",
    auth=needs(Scope.NEWSLETTERS_READ),
    response={200: Page[NewsletterFacts], **STATUSES},
)
def list_newsletters(request: HttpRequest, asked: Query[Asked]) -> Any:
    """List newsletters."""
    now = clock.now()
    known = caller_of(request).scope.newsletters()
    return page(known, asked, "newsletters", lambda one: _facts(one, now))


@router.post(
    "/newsletters",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={201: NewsletterShown, **STATUSES},
)
@doing_once
def create_newsletter(request: HttpRequest, told: NewsletterNew) -> Any:
    """Set up a newsletter with its sections and schedule."""
    now = clock.now()
    made = setup.create_newsletter(
        get_object_or_404(caller_of(request).scope.publications(), slug=told.publication),
        slug=told.slug,
        name=told.name,
        topics=told.topics,
        cadences=told.cadences,
        now=now,
        **(_when(told.schedule) if told.schedule else {}),
        **_given(told, (*OFFER[1:], *POLICIES)),
    )
    _check_words(made, now)
    return Status(201, shown(Newsletter.objects.get(pk=made.pk), now))


@router.get(
    "/newsletters/{slug}",
    auth=needs(Scope.NEWSLETTERS_READ),
    response={200: NewsletterShown, **STATUSES},
)
def show_newsletter(request: HttpRequest, slug: Slug) -> Any:
    """Show a newsletter."""
    return shown(get_newsletter(caller_of(request), slug), clock.now())


@router.patch(
    "/newsletters/{slug}",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={200: NewsletterShown, **STATUSES},
)
def change_newsletter(request: HttpRequest, slug: Slug, told: NewsletterChange) -> Any:
    """Change how it reads, what it holds and offers, when it goes out, or whether it does."""
    newsletter, now = get_newsletter(caller_of(request), slug), clock.now()
    with transaction.atomic():
        if details := _given(told, ("name", *POLICIES)):
            setup.change_newsletter(newsletter, **details)
            _check_words(newsletter, now)
        if offer := _given(told, OFFER):
            setup.set_offer(newsletter, **offer)
        if told.schedule is not None:
            setup.set_schedule(newsletter, now=now, **_when(told.schedule))
        if told.active is not None:
            setup.set_active(newsletter, active=told.active, now=now)
    return shown(Newsletter.objects.get(pk=newsletter.pk), now)


@router.post(
    "/newsletters/{slug}/picks",
    auth=needs(Scope.NEWSLETTERS_WRITE),
    response={201: NewsletterShown, **STATUSES},
)
@doing_once
def pick_article(request: HttpRequest, slug: Slug, told: Pick) -> Any:
    """Put an article at the head of the next issue; twice changes nothing."""
    caller, now = caller_of(request), clock.now()
    newsletter = get_newsletter(caller, slug)
    setup.pick(newsletter, get_object_or_404(caller.scope.articles(), pk=told.article), now)
    return Status(201, shown(newsletter, now))


def _when(told: When) -> dict[str, Any]:
    if told.cron and (told.days or told.time):
        raise ProblemError(422, "Say either cron, or days and time.")
    if not (told.cron or told.time):
        raise ProblemError(422, "A schedule needs a time, or a cron line.")
    days = [DAYS.index(day) for day in told.days] or range(7)
    return {
        "days": list(days) if told.time else [],
        "at": time.fromisoformat(told.time) if told.time else None,
        "cron": told.cron,
        "timezone": told.timezone,
    }


def _check_words(newsletter: Newsletter, now: datetime) -> None:
    """Refuse templates that cannot be rendered; what is kept by then is undone."""
    try:
        opening(newsletter, now)
    except EditorTemplateError as problem:
        raise ProblemError(422, str(problem)) from problem


def _given(told: Told, names: tuple[str, ...]) -> dict[str, Any]:
    said = told.model_dump()
    return {name: said[name] for name in names if said[name] is not None}


def _facts(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    schedule = _schedule(newsletter)
    coming = schedule is not None and newsletter.active
    return {
        "id": newsletter.pk,
        "slug": newsletter.slug,
        "name": newsletter.name,
        "publication": newsletter.publication.slug,
        "active": newsletter.active,
        "list_id": newsletter.list_id,
        "timezone": schedule.timezone if schedule else newsletter.publication.timezone,
        "next_slots": schedules.upcoming(schedules.rule_of(schedule), now, SLOTS)
        if schedule and coming
        else [],
        **{name: getattr(newsletter, name) for name in OFFER},
    }


def _schedule(newsletter: Newsletter) -> Schedule | None:
    found: Schedule | None = getattr(newsletter, "schedule", None)
    return found


def shown(newsletter: Newsletter, now: datetime) -> dict[str, Any]:
    """Return a newsletter with all that is known of it."""
    return _facts(newsletter, now) | {
        "subscribers": eligible(newsletter.pk, now).count(),
        "sources": list(newsletter.sources.order_by("pk").values_list("pk", flat=True)),
        "sections": [
            {
                "id": section.pk,
                "title": section.title,
                "kind": section.kind,
                "topics": section.topics,
                "max_stories": section.max_stories,
                "picks": list(section.picks.values_list("article", flat=True)),
            }
            for section in newsletter.sections.all()
        ],
        "policies": {name: getattr(newsletter, name) for name in POLICIES},
    }
