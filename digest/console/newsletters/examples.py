"""Live examples of a newsletter's subject and preview text, while they are typed."""

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404

from digest.console.access import scope_of
from digest.console.pages import page_view
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import one_line
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.rendering.editor_templates.examples import Example, example_of

LONGEST_NAME = 40  # characters of how the page calls the field


@page_view(Right.SEE)
def example(request: HttpRequest, pk: int) -> JsonResponse:
    """Render `?template=` for the next issue, or for `?issue=`; `?name=` is the field's label.

    Answer with `text`, and a `note` if something in it stands for nothing, or with a `problem`.
    """
    newsletter = get_object_or_404(scope_of(request, Right.SEE).newsletters(), pk=pk)
    template = request.GET.get("template", "")
    name = one_line(request.GET.get("name", ""), LONGEST_NAME).lower() or "text"
    try:
        result = example_of(newsletter, name, template, clock.now(), _issue(request, newsletter))
    except DigestError as problem:
        return JsonResponse({"problem": str(problem)})
    return JsonResponse({"text": result.text, "note": _note(result)})


def _issue(request: HttpRequest, newsletter: Newsletter) -> Issue | None:
    key = request.GET.get("issue", "")
    if not key:
        return None
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return get_object_or_404(newsletter.issues.none())
    return get_object_or_404(newsletter.issues, pk=key)


def _note(result: Example) -> str:
    if not result.unknown:
        return ""
    names = ", ".join(f"“{one_line(name, 40)}”" for name in result.unknown[:3])
    return f"{names} stands for nothing here. Insert a value with the buttons."
