"""The page of a newsletter, and the actions of its cards and buttons."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from digest.console import access, block_forms, edit_conflicts
from digest.console.fields import offer_rows
from digest.console.newsletters import cards
from digest.console.newsletters.forms import LayoutBlockForm, NewForm
from digest.console.pages import (
    action_view,
    done,
    form_view,
    page_view,
    problems_on,
    render_page,
    report,
)
from digest.core import clock
from digest.core.links import Page
from digest.newsletters import contributions, schedules, setup, sourcing, suggesting
from digest.newsletters.choices import BlockKind
from digest.newsletters.errors import NewsletterError
from digest.newsletters.members import Right
from digest.newsletters.models import LayoutBlock, Newsletter, Publication
from digest.newsletters.publicity import states
from digest.newsletters.publicity.states import NewsletterState
from digest.tenancy.scope import PublicationScope

PREVIEWED_SENDS = 3
DOUBLE_CLICK = timedelta(minutes=1)

EMBEDS = {
    "signup": "sign-up form",
    "popular": "popular articles",
    "latest": "latest stories",
    "appeal": "appeal",
}


@page_view(Right.SEE)
def newsletter(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a newsletter with all its settings."""
    return show(request, get_newsletter(request, pk))


@action_view(Right.EDIT)
def save(request: HttpRequest, pk: int, card: str) -> HttpResponse:
    """Save one card."""
    newsletter = get_newsletter(request, pk, Right.EDIT)
    is_owner = _is_owner(request, newsletter)
    form = cards.form_of(
        card,
        newsletter,
        request.POST,
        may_set_approval=is_owner,
        edits_publication=_edits_publication(request, newsletter),
    )
    if card == "sources":
        access.require_right(request, Right.EDIT, newsletter.publication_id)
    if card == "approval" and _changes_approval(request, newsletter):
        access.require_right(request, Right.MANAGE, newsletter.publication_id)
    if edit_conflicts.is_outdated(request, form.initial):
        form.add_error(None, edit_conflicts.CHANGED)
    change = contributions.noted(access.user_of(request), newsletter)
    with change if cards.changes_content(card, form) else nullcontext():
        is_saved = cards.save(card, newsletter, form, clock.now())
    if not is_saved:
        return show(request, get_newsletter(request, pk), {card: form})
    title = cards.CARDS[card].title
    action = f"changed the newsletter: {title.lower()}"
    access.record_action(request, action, newsletter, newsletter.publication_id)
    return done(request, f"{title} saved.", f"{reverse('newsletter', args=[pk])}#{card}")


@action_view(Right.EDIT)
def change_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a newsletter private, announced, live, paused or closed."""
    newsletter = get_newsletter(request, pk, Right.EDIT)
    report(request, lambda: _change_state(request, newsletter, request.POST.get("state", "")))
    return redirect("newsletter", pk=pk)


@form_view(Right.EDIT)
def add(request: HttpRequest) -> HttpResponse:
    """Create a newsletter that is sent manually until it has a schedule."""
    publications = access.scope_of(request, Right.EDIT).publications()
    form = NewForm(request.POST or None)
    offer_rows(form, "publication", publications.order_by("name"))
    if request.method == "POST" and form.is_valid():
        publication, name = form.cleaned_data["publication"], form.cleaned_data["name"]
        with problems_on(form, "name"):
            newsletter = _created_moments_ago(publication, name) or _create(
                request, publication, name
            )
            return redirect("newsletter", pk=newsletter.pk)
    context = {
        "form": form,
        "any": publications.exists(),
        "can_set_up": access.has_right(request, Right.MANAGE, None),
    }
    return render_page(request, "console/newsletters/new.html", "New newsletter", context)


def _change_state(request: HttpRequest, newsletter: Newsletter, state: str) -> str:
    if state not in NewsletterState.values:
        raise NewsletterError("Choose a state. Nothing was changed.")
    changes_links = (state in states.PUBLIC) != newsletter.is_public
    change = contributions.noted(access.user_of(request), newsletter)
    with change if changes_links else nullcontext():
        setup.set_state(newsletter, state, clock.now())
    name = newsletter.get_state_display().lower()
    access.record_action(
        request, f"made the newsletter {name}", newsletter, newsletter.publication_id
    )
    return f"{newsletter.name} is {name}."


def _create(request: HttpRequest, publication: Publication, name: str) -> Newsletter:
    slug = suggesting.free_slug(Newsletter, name, publication.url)
    newsletter = setup.create_newsletter(publication, slug=slug, name=name, now=clock.now())
    newsletter.sources.set(sourcing.sources_of(publication))
    contributions.note(access.user_of(request), newsletter)
    access.record_action(request, "added the newsletter", newsletter, publication.pk)
    return newsletter


def _created_moments_ago(publication: Publication, name: str) -> Newsletter | None:
    """Return the newsletter that a first click created, so that a double click creates one."""
    recent = publication.newsletters.filter(created_at__gt=clock.now() - DOUBLE_CLICK)
    return recent.filter(name=name).first()


def get_newsletter(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Newsletter:
    """Return a newsletter for somebody with a right, or raise Http404 or PermissionDenied."""
    rows = (
        access.scope_of(request, Right.SEE).newsletters().select_related("publication", "schedule")
    )
    newsletter: Newsletter = get_object_or_404(rows, pk=pk)
    access.require_right(request, right, newsletter.publication_id, newsletter.pk)
    return newsletter


def _is_owner(request: HttpRequest, newsletter: Newsletter) -> bool:
    return access.has_right(request, Right.MANAGE, newsletter.publication_id)


def _edits_publication(request: HttpRequest, newsletter: Newsletter) -> bool:
    """Say whether the user edits the whole publication, to which segments and sources belong."""
    return access.has_right(request, Right.EDIT, newsletter.publication_id)


def _changes_approval(request: HttpRequest, newsletter: Newsletter) -> bool:
    """Say whether a form asks for another approval policy, which only an owner may change."""
    return request.POST.get("approval-approval", newsletter.approval) != newsletter.approval


def show(
    request: HttpRequest, newsletter: Newsletter, invalid: dict[str, Form] | None = None
) -> HttpResponse:
    """Show the page; `invalid` are the forms with errors, by the names of their cards."""
    invalid = invalid or {}
    is_owner = _is_owner(request, newsletter)
    options = {
        "may_set_approval": is_owner,
        "edits_publication": _edits_publication(request, newsletter),
    }
    can_edit = access.has_right(request, Right.EDIT, newsletter.publication_id, newsletter.pk)
    forms = {
        slug: invalid.get(slug) or cards.form_of(slug, newsletter, **options)
        for slug in cards.CARDS
    }
    context = {
        "newsletter": newsletter,
        "states": [(state, states.MEANINGS[state]) for state in NewsletterState],
        "meaning": states.MEANINGS[NewsletterState(newsletter.state)],
        "cards": [
            (slug, cards.CARDS[slug].title, form, can_edit and cards.can_save(form))
            for slug, form in forms.items()
        ],
        "layout": _layout(newsletter, invalid, access.scope_of(request, Right.EDIT)),
        "open_block": access.parse_id(request.GET.get("block", "")),
        "new_block": invalid.get("block-0") or _block_form(None),
        "can_edit": can_edit,
        "upcoming": _upcoming(newsletter),
        "schedule_warnings": schedules.warnings(getattr(newsletter, "schedule", None)),
        "signup": Page.SUBSCRIBE.url(slug=newsletter.slug),
        "embeds": [
            (name, Page.EMBED_SCRIPT.url(slug=newsletter.slug, kind=kind))
            for kind, name in EMBEDS.items()
        ],
        "invalid": bool(invalid),
    }
    template = "console/newsletters/newsletter.html"
    status = 422 if invalid else 200
    return render_page(request, template, newsletter.name, context, status=status)


def _layout(
    newsletter: Newsletter, invalid: dict[str, Form], scope: PublicationScope
) -> list[dict[str, Any]]:
    """Return what `console/newsletters/_layout_block.html` needs for each block."""
    rows = list(newsletter.layout.select_related("segment").order_by("position"))
    topics = [row.title for row in rows if row.kind == BlockKind.TOPIC]
    publication_id = newsletter.publication_id
    return [
        {"form": invalid.get(f"block-{row.pk}") or _block_form(row)}
        | block_forms.context(row, topics, publication_id, scope)
        for row in rows
    ]


def _block_form(block: LayoutBlock | None) -> LayoutBlockForm:
    if block is None:
        initial = {"max_stories": 10, "kind": BlockKind.TOPIC}
        return LayoutBlockForm(initial=initial, prefix="block-0")
    initial = {
        "title": block.title,
        "topics": ", ".join(block.topics),
        "max_stories": block.max_stories,
        "source_ids": block.source_ids,
    }
    return LayoutBlockForm(initial=initial, block=block, prefix=f"block-{block.pk}")


def _upcoming(newsletter: Newsletter) -> list[tuple[str, str]]:
    """Return the next sends, each as a moment in the schedule's zone and as "in 3 hours"."""
    rule, now = schedules.current_rule(newsletter), clock.now()
    if rule is None:
        return []
    return [
        (clock.format_moment(slot, rule.timezone), clock.in_words(slot - now))
        for slot in schedules.upcoming(rule, now, PREVIEWED_SENDS)
    ]
