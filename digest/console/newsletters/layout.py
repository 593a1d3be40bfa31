"""The layout on a newsletter's page: blocks are added, changed, moved and removed.

A script moves blocks and saves their fields without a new page; without it every button is a form
that leads back to the page.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse

from digest.console import block_forms
from digest.console.access import record_action, scope_of, user_of
from digest.console.issues.form_values import read_number
from digest.console.newsletters import views
from digest.console.newsletters.forms import LayoutBlockForm
from digest.console.pages import action_view
from digest.console.pictures.answers import wants_json
from digest.console.pictures.link_cards import fetch_content
from digest.core.errors import DigestError
from digest.newsletters import contributions, layout
from digest.newsletters.members import Right
from digest.newsletters.models import LayoutBlock, Newsletter
from digest.sending.topics import change_layout_block


@action_view(Right.EDIT)
def layout_block(request: HttpRequest, pk: int, block: int) -> HttpResponse:
    """Change, move or remove a block of the layout; the id 0 adds one.

    A script that accepts JSON gets `{"summary"}`, HTML, or `{"problem"}`, a text for a person.
    """
    newsletter = views.get_newsletter(request, pk, Right.EDIT)
    row = get_object_or_404(newsletter.layout, pk=block) if block else None
    form = LayoutBlockForm(request.POST, block=row, prefix=f"block-{block}")
    verb = request.POST.get("do", "save")
    action = _ACTIONS.get(verb) if row else None
    if action is None and not form.is_valid():
        return _refuse(request, newsletter, block, form)
    try:
        with contributions.noted(user_of(request), newsletter):
            if row and action:
                action(row, request)
            else:
                row = _save(newsletter, row, form, request)
    except DigestError as problem:
        return _fail(request, newsletter, str(problem))
    done = "changed the newsletter: layout"
    record_action(request, done, newsletter, newsletter.publication_id)
    return _answer(request, newsletter, row, verb)


@action_view(Right.EDIT)
def fetch_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what the page at an address says of itself, for a link card; nothing is saved."""
    newsletter = views.get_newsletter(request, pk, Right.EDIT)
    url = request.POST.get("url", "")
    try:
        content = fetch_content(newsletter.publication_id, url, user_of(request))
    except DigestError as problem:
        return JsonResponse({"problem": str(problem)})
    picture = block_forms.picture_url(newsletter.publication_id, content["picture"])
    return JsonResponse({"content": content, "picture_url": picture})


_ACTIONS: dict[str, Callable[[LayoutBlock, HttpRequest], None]] = {
    "up": lambda block, _: layout.move(block, -1),
    "down": lambda block, _: layout.move(block, 1),
    "move": lambda block, request: layout.move_to(block, read_number(request, "to")),
    "remove": lambda block, _: layout.remove(block),
}
_TOASTS = {"save": "Block saved.", "remove": "Block removed."}


def _save(
    newsletter: Newsletter, block: LayoutBlock | None, form: LayoutBlockForm, request: HttpRequest
) -> LayoutBlock:
    values = {name: value for name, value in form.cleaned_data.items() if name != "kind"}
    if block is None:
        return layout.add(newsletter, form.cleaned_data["kind"], **values)
    fields = block_forms.read_values(
        block, request.POST, newsletter.publication_id, scope_of(request, Right.EDIT)
    )
    change_layout_block(block, **values | fields)
    return block


def _refuse(
    request: HttpRequest, newsletter: Newsletter, block: int, form: LayoutBlockForm
) -> HttpResponse:
    """Say what is wrong with a form: beside its fields, or as one text."""
    if not wants_json(request):
        return views.show(request, newsletter, {f"block-{block}": form})
    problems = [f"{form[name].label}: {texts[0]}" for name, texts in form.errors.items()]
    return JsonResponse({"problem": " ".join(problems)})


def _fail(request: HttpRequest, newsletter: Newsletter, problem: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"problem": problem})
    messages.error(request, problem)
    return redirect(f"{reverse('newsletter', args=[newsletter.pk])}#layout")


def _answer(
    request: HttpRequest, newsletter: Newsletter, block: LayoutBlock | None, verb: str
) -> HttpResponse:
    if wants_json(request) and block:
        values = {"block": block, "excerpt": block_forms.excerpt(block)}
        summary = render_to_string("console/newsletters/_layout_summary.html", values, request)
        return JsonResponse({"summary": summary})
    if verb in _TOASTS:
        messages.success(request, _TOASTS[verb])
    address = reverse("newsletter", args=[newsletter.pk])
    anchor = f"?block={block.pk}#layout-{block.pk}" if block and block.pk else "#layout"
    return redirect(f"{address}{anchor}")
