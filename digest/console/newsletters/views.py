"""A newsletter's page, and what its cards and buttons do."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digest.console.access import has_right, record_action, require_right, right_required, scope_of
from digest.console.newsletters import cards
from digest.console.newsletters.forms import NewForm, SectionForm
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.links import absolute
from digest.newsletters import schedules, sections, setup, sourcing, suggesting
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication, Section
from digest.rendering.opening import opening

SENDS = 3  # shown to come
MOMENT = timedelta(minutes=1)


@require_safe
@right_required(Right.SEE)
def newsletter(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a newsletter, and how all of it can be changed."""
    return _page(request, _find(request, pk))


@require_POST
@right_required(Right.EDIT)
def keep(request: HttpRequest, pk: int, card: str) -> HttpResponse:
    """Keep what was typed into one card."""
    found = _find(request, pk, Right.EDIT)
    if card not in cards.CARDS:
        raise Http404
    form = cards.form_of(card, found, request.POST)
    if not cards.keep(card, found, form, clock.now()):
        return _page(request, _find(request, pk), {card: form})
    title = cards.CARDS[card].title
    record_action(request, f"changed the newsletter: {title.lower()}", found, found.publication_id)
    messages.success(request, f"{title}: kept.")
    return redirect(f"{reverse('newsletter', args=[pk])}#{card}")


@require_POST
@right_required(Right.EDIT)
def turn(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a newsletter, or start it again."""
    found = _find(request, pk, Right.EDIT)
    active = request.POST.get("active") == "1"
    setup.set_active(found, active=active, now=clock.now())
    said = "started the newsletter" if active else "stopped the newsletter"
    record_action(request, said, found, found.publication_id)
    messages.success(
        request, "It goes out again." if active else "Nothing of it goes out by itself."
    )
    return redirect("newsletter", pk=pk)


@require_POST
@right_required(Right.EDIT)
def section(request: HttpRequest, pk: int, section: int) -> HttpResponse:
    """Change, move or take out a section; 0 adds one."""
    found = _find(request, pk, Right.EDIT)
    there = get_object_or_404(found.sections, pk=section) if section else None
    doing = request.POST.get("do", "keep")
    form = SectionForm(request.POST, there=there, prefix=f"section-{section}")
    try:
        if doing in _MOVES and there:
            _MOVES[doing](there)
        elif not form.is_valid():
            return _page(request, found, {f"section-{section}": form})
        else:
            _keep_section(found, there, form)
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect(f"{reverse('newsletter', args=[pk])}#sections")
    record_action(request, "changed the newsletter: sections", found, found.publication_id)
    return redirect(f"{reverse('newsletter', args=[pk])}#sections")


_MOVES = {
    "up": lambda there: sections.move(there, -1),
    "down": lambda there: sections.move(there, 1),
    "remove": sections.remove,
}


@require_http_methods(["GET", "HEAD", "POST"])
@right_required(Right.EDIT)
def add(request: HttpRequest) -> HttpResponse:
    """Make a newsletter that goes out by hand until more is said about it."""
    ours = scope_of(request, Right.EDIT).publications()
    form = NewForm(request.POST or None)
    choice: Any = form.fields["publication"]
    choice.queryset = ours.order_by("name")
    if request.method == "POST" and form.is_valid():
        publication, name = form.cleaned_data["publication"], form.cleaned_data["name"]
        if there := _just_made(publication, name):
            return redirect("newsletter", pk=there.pk)
        slug = suggesting.free_slug(Newsletter, name, publication.url)
        try:
            made = setup.create_newsletter(publication, slug=slug, name=name, now=clock.now())
        except DigestError as problem:
            form.add_error("name", str(problem))
        else:
            known = sourcing.of if has_right(request, Right.MANAGE, None) else sourcing.theirs
            made.sources.set(known(publication))
            record_action(request, "added the newsletter", made, publication.pk)
            return redirect("newsletter", pk=made.pk)
    context = {"title": "A new newsletter", "form": form, "any": ours.exists()}
    return _render(request, "new", context)


def _find(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Newsletter:
    rows = scope_of(request, Right.SEE).newsletters()
    found: Newsletter = get_object_or_404(rows.select_related("publication", "schedule"), pk=pk)
    require_right(request, right, found.publication_id)
    return found


def _just_made(publication: Publication, name: str) -> Newsletter | None:
    """Return the newsletter that the same button made a moment ago: pressing twice makes one."""
    lately = publication.newsletters.filter(created_at__gt=clock.now() - MOMENT)
    return lately.filter(name=name).first()


def _keep_section(found: Newsletter, there: Section | None, form: SectionForm) -> None:
    given = form.cleaned_data
    topics = given.get("topics", [])
    if there:
        topics.change_section(there, given["title"], topics, given["max_stories"])
    else:
        sections.add(found, given["kind"], given["title"], topics, given["max_stories"])


def _page(
    request: HttpRequest, found: Newsletter, typed: dict[str, Form] | None = None
) -> HttpResponse:
    """Show the page, with what was typed where something is wrong with it."""
    typed = typed or {}
    forms = {slug: typed.get(slug) or cards.form_of(slug, found) for slug in cards.CARDS}
    context = {
        "title": found.name,
        "newsletter": found,
        "cards": [(slug, cards.CARDS[slug].title, form) for slug, form in forms.items()],
        "sections": _sections(found, typed),
        "new_section": typed.get("section-0") or _section_form(None),
        "can_edit": has_right(request, Right.EDIT, found.publication_id),
        "coming": _coming(found),
        "words": _words(found),
        "signup": absolute(f"/subscribe/{found.slug}"),
        "script": absolute(f"/embed/{found.slug}/signup.js"),
        "wrong": bool(typed),
    }
    return _render(request, "newsletter", context, status=422 if typed else 200)


def _sections(found: Newsletter, typed: dict[str, Form]) -> list[tuple[Section, Form]]:
    there = found.sections.order_by("position")
    return [(one, typed.get(f"section-{one.pk}") or _section_form(one)) for one in there]


def _section_form(there: Section | None) -> SectionForm:
    if there is None:
        return SectionForm(
            initial={"max_stories": 10, "kind": Section.Kind.TOPIC}, prefix="section-0"
        )
    initial = {
        "title": there.title,
        "topics": ", ".join(there.topics),
        "max_stories": there.max_stories,
    }
    return SectionForm(initial=initial, there=there, prefix=f"section-{there.pk}")


def _coming(found: Newsletter) -> list[tuple[str, str]]:
    """Return the next sends, in the schedule's zone and in words."""
    schedule, now = getattr(found, "schedule", None), clock.now()
    if schedule is None or not found.active:
        return []
    try:
        rule = schedules.rule_of(schedule)
    except DigestError:
        return []
    return [
        (clock.format_moment(slot, rule.timezone), clock.in_words(slot - now))
        for slot in schedules.upcoming(rule, now, SENDS)
    ]


def _words(found: Newsletter) -> dict[str, str]:
    try:
        made = opening(found, clock.now())
    except DigestError as problem:
        return {"problem": str(problem)}
    return {"subject": made.subject, "preheader": made.preheader}


def _render(
    request: HttpRequest, name: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    whole = admin.site.each_context(request) | context
    return render(request, f"console/newsletters/{name}.html", whole, status=status)
