"""The cards of a newsletter's page: each has a form, initial values and a save function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404

from digest.console.newsletters import forms
from digest.console.pages import problems_on
from digest.newsletters import setup, sourcing
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.rendering.opening import opening

Values = Mapping[str, Any]  # a form's cleaned data, by the names of its fields


def _change(newsletter: Newsletter, values: Values, _now: datetime) -> None:
    setup.change_newsletter(newsletter, **values)


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page that is saved on its own; its fields are the newsletter's, unless told."""

    title: str
    form: type[Form]
    save: Callable[[Newsletter, Values, datetime], None] = _change  # raises DigestError
    read: Callable[[Newsletter], dict[str, Any]] | None = None

    def initial(self, newsletter: Newsletter) -> dict[str, Any]:
        """Return the saved values of the form's fields."""
        if self.read:
            return self.read(newsletter)
        return {name: getattr(newsletter, name) for name in self.form.base_fields}


def _schedule(newsletter: Newsletter) -> dict[str, Any]:
    schedule = getattr(newsletter, "schedule", None)
    common = {"send_in_local_time": newsletter.send_in_local_time}
    if schedule is None:
        return common | {"way": forms.MANUAL, "timezone": newsletter.publication.timezone}
    return common | {
        "way": forms.CRON if schedule.cron else forms.WEEKDAYS,
        "days": schedule.days,
        "at": schedule.time,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
    }


@transaction.atomic
def _save_schedule(newsletter: Newsletter, values: Values, now: datetime) -> None:
    setup.set_offer(newsletter, send_in_local_time=values["send_in_local_time"])
    if values["way"] == forms.MANUAL:
        setup.unset_schedule(newsletter)
        return
    schedule = {name: values[name] for name in ("days", "at", "timezone")}
    cron = values["cron"] if values["way"] == forms.CRON else ""
    setup.set_schedule(newsletter, now=now, cron=cron, **schedule)


@transaction.atomic
def _save_texts(newsletter: Newsletter, values: Values, now: datetime) -> None:
    setup.change_newsletter(newsletter, **values)
    opening(newsletter, now)  # raises for templates that cannot be rendered: nothing is saved


@transaction.atomic
def _save_approval(newsletter: Newsletter, values: Values, _now: datetime) -> None:
    changes = dict(values)
    setup.set_offer(newsletter, redirect_links=changes.pop("redirect_links"))
    setup.change_newsletter(newsletter, **changes)


def _save_offer(newsletter: Newsletter, values: Values, _now: datetime) -> None:
    setup.set_offer(newsletter, **values)


@transaction.atomic
def _save_members(newsletter: Newsletter, values: Values, _now: datetime) -> None:
    before = newsletter.archive_access
    restricting.set_members(newsletter, values["segment"], values["membership_url"])
    if values["password"] or values["archive_access"] != before:
        restricting.set_archive(newsletter, values["archive_access"], values["password"])


def _members(newsletter: Newsletter) -> dict[str, Any]:
    names = ("membership_url", "archive_access")
    return {"segment": newsletter.segment_id} | {name: getattr(newsletter, name) for name in names}


def _save_sources(newsletter: Newsletter, values: Values, now: datetime) -> None:
    """Find and poll a new source first: if that fails, nothing is changed."""
    url = values["url"].strip()
    new = [sourcing.add_polled(newsletter.publication, url, now)] if url else []
    sourcing.set_sources(newsletter, [*values["sources"], *new])


CARDS = {
    "name": Card("Name", forms.NameForm),
    "schedule": Card("Schedule", forms.ScheduleForm, _save_schedule, _schedule),
    "design": Card("Design", forms.DesignForm),
    "selection": Card("Story selection", forms.SelectionForm),
    "texts": Card("Subject and texts", forms.TextsForm, _save_texts),
    "approval": Card("Approval and sending", forms.ApprovalForm, _save_approval),
    "offer": Card("Subscriber options", forms.OfferForm, _save_offer),
    "members": Card("Members and archive", forms.MembersForm, _save_members, _members),
    "sources": Card(
        "Sources",
        forms.SourcesForm,
        _save_sources,
        lambda newsletter: {"sources": list(newsletter.sources.all())},
    ),
}


def form_of(
    slug: str,
    newsletter: Newsletter,
    data: Any = None,
    *,
    may_set_approval: bool = True,
    edits_publication: bool = True,
) -> Form:
    """Return a card's form, filled in with the saved values, or with `data` as submitted.

    Without `may_set_approval` the approval policy is shown but cannot be changed; nor can, without
    `edits_publication`, what belongs to the publication: segment and sources. Raises Http404 for a
    card that does not exist.
    """
    if (card := CARDS.get(slug)) is None:
        raise Http404
    form = card.form(data, initial=card.initial(newsletter), prefix=slug)
    if slug == "approval" and not may_set_approval:
        form.fields["approval"].disabled = True
        form.fields["approval"].help_text = "Only an owner can change this."
    if slug == "sources":
        field, rows = form.fields["sources"], sourcing.sources_of(newsletter.publication)
        _offer(field, rows, newsletter.sources.order_by("pk"), edits_publication=edits_publication)
        if not edits_publication:
            del form.fields["url"]
    if slug == "members":
        segments = newsletter.publication.segments
        present = segments.filter(pk=newsletter.segment_id or 0)
        _offer(form.fields["segment"], segments.all(), present, edits_publication=edits_publication)
    return form


def _offer(
    field: Any, rows: QuerySet[Any], present: QuerySet[Any], *, edits_publication: bool
) -> None:
    """Offer rows of the publication; an editor of some newsletters sees the present ones alone."""
    field.queryset = rows if edits_publication else present
    if not edits_publication:
        field.disabled = True
        field.help_text = "Only an editor of the whole publication can change this."


def can_save(form: Form) -> bool:
    """Say whether anything of a form can be changed."""
    return not all(field.disabled for field in form.fields.values())


def changes_content(slug: str, form: Form) -> bool:
    """Say whether a form as submitted changes what the newsletter's issues are made of."""
    if slug == "schedule":
        return False
    if slug == "members":
        return "segment" in form.changed_data
    return "redirect_links" in form.changed_data if slug == "approval" else form.has_changed()


def save(slug: str, newsletter: Newsletter, form: Form, now: datetime) -> bool:
    """Save a card, or add the errors to its form. Return whether it was saved."""
    if not form.is_valid():
        return False
    with problems_on(form):
        CARDS[slug].save(newsletter, form.cleaned_data, now)
        return True
    return False
