"""The cards of a newsletter's page: each has a form, what stands in it, and how it is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.forms import Form

from digest.console.newsletters import forms
from digest.core.errors import DigestError
from digest.newsletters import setup, sourcing
from digest.newsletters.models import Newsletter
from digest.rendering.opening import opening

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page that is kept by itself."""

    title: str
    form: type[Form]
    there: Callable[[Newsletter], dict[str, Any]]
    keep: Callable[[Newsletter, Given, datetime], None]  # raises DigestError


def _fields(*names: str) -> Callable[[Newsletter], dict[str, Any]]:
    return lambda newsletter: {name: getattr(newsletter, name) for name in names}


def _change(newsletter: Newsletter, given: Given, _now: datetime) -> None:
    setup.change_newsletter(newsletter, **given)


def _schedule(newsletter: Newsletter) -> dict[str, Any]:
    schedule = getattr(newsletter, "schedule", None)
    common = {"send_in_local_time": newsletter.send_in_local_time}
    if schedule is None:
        return common | {"way": forms.BY_HAND, "timezone": newsletter.publication.timezone}
    return common | {
        "way": forms.BY_CRON if schedule.cron else forms.BY_DAYS,
        "days": schedule.days,
        "at": schedule.time,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
    }


@transaction.atomic
def _keep_schedule(newsletter: Newsletter, given: Given, now: datetime) -> None:
    setup.set_offer(newsletter, send_in_local_time=given["send_in_local_time"])
    if given["way"] == forms.BY_HAND:
        setup.unset_schedule(newsletter)
        return
    when = {name: given[name] for name in ("days", "at", "timezone")}
    cron = given["cron"] if given["way"] == forms.BY_CRON else ""
    setup.set_schedule(newsletter, now=now, cron=cron, **when)


@transaction.atomic
def _keep_words(newsletter: Newsletter, given: Given, now: datetime) -> None:
    setup.change_newsletter(newsletter, **given)
    opening(newsletter, now)  # what cannot be rendered is not kept


@transaction.atomic
def _keep_desk(newsletter: Newsletter, given: Given, _now: datetime) -> None:
    given = dict(given)
    setup.set_offer(newsletter, redirect_links=given.pop("redirect_links"))
    setup.change_newsletter(newsletter, **given)


def _keep_offer(newsletter: Newsletter, given: Given, _now: datetime) -> None:
    setup.set_offer(newsletter, **given)


def _keep_sources(newsletter: Newsletter, given: Given, now: datetime) -> None:
    """Find and poll a new one first: if that fails, nothing is changed."""
    url = given["url"].strip()
    new = [sourcing.fetch(url, now)] if url else []
    sourcing.carry(newsletter, [*given["sources"], *new])


CARDS = {
    "name": Card("Name", forms.NameForm, _fields("name", "description", "language"), _change),
    "schedule": Card("When it goes out", forms.ScheduleForm, _schedule, _keep_schedule),
    "selection": Card(
        "What is picked",
        forms.SelectionForm,
        _fields(*forms.SelectionForm.base_fields),
        _change,
    ),
    "words": Card(
        "How it reads", forms.WordsForm, _fields(*forms.WordsForm.base_fields), _keep_words
    ),
    "desk": Card("Who decides", forms.DeskForm, _fields(*forms.DeskForm.base_fields), _keep_desk),
    "offer": Card(
        "What subscribers choose",
        forms.OfferForm,
        _fields(*forms.OfferForm.base_fields),
        _keep_offer,
    ),
    "sources": Card(
        "Sources",
        forms.SourcesForm,
        lambda newsletter: {"sources": list(newsletter.sources.all())},
        _keep_sources,
    ),
}


def form_of(slug: str, newsletter: Newsletter, data: Any = None) -> Form:
    """Return a card's form, filled in with what is there, or with what was typed."""
    card = CARDS[slug]
    form = card.form(data, initial=card.there(newsletter), prefix=slug)
    if slug == "sources":
        choice: Any = form.fields["sources"]
        choice.queryset = sourcing.theirs(newsletter.publication)
    return form


def keep(slug: str, newsletter: Newsletter, form: Form, now: datetime) -> bool:
    """Keep what was typed, if it can be; otherwise say in the form why not."""
    if not form.is_valid():
        return False
    try:
        CARDS[slug].keep(newsletter, form.cleaned_data, now)
    except DigestError as problem:
        form.add_error(None, str(problem))
        return False
    return True
