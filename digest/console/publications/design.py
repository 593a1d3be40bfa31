"""An example mail in a design that is being chosen: the theme, and the layout of stories."""

from collections.abc import Mapping
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.articles.models import Article
from digest.console.access import scope_of
from digest.console.issues import previews
from digest.console.pages import action_view
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.issue import compile_issue

THEME = ("accent", "accent_dark", "background", "fonts", "corner", "density")
_TEXTS = ("name", "postal_address", "logo_url", "logo_dark_url")
_SHOWN_STORIES = 5
_EXAMPLES = (
    ("A headline", "What the story is about, in one or two sentences."),
    ("Another headline", "What this story is about."),
    ("A third headline", "What the third story is about."),
)


@action_view(Right.SEE)
@xframe_options_sameorigin
def draft(request: HttpRequest, publication: int) -> HttpResponse:
    """Show the publication's latest articles in the design of a form; nothing is saved.

    The form is that of the publication, or of its theme; `scheme` is light or dark.
    """
    publications = scope_of(request, Right.SEE).publications()
    return _answer(request, get_object_or_404(publications, pk=publication))


@action_view(Right.SEE)
@xframe_options_sameorigin
def of_newsletter(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the latest articles in the design of a newsletter, or of its form; nothing is saved."""
    newsletter = get_object_or_404(scope_of(request, Right.SEE).newsletters(), pk=pk)
    return _answer(request, newsletter.publication, newsletter.design)


@action_view(Right.MANAGE, everywhere=True)
@xframe_options_sameorigin
def first_draft(request: HttpRequest) -> HttpResponse:
    """Show example stories in the design of a publication that is being set up."""
    return _answer(request, Publication(pk=0, sender_email="news@publication.example"))


def _answer(request: HttpRequest, publication: Publication, usual_design: str = "") -> HttpResponse:
    fields = {name.rpartition("-")[2]: str(request.POST[name]) for name in request.POST}
    choices = {"design": usual_design} | fields  # a form that is only looked at sends no fields
    try:
        html = _mail(publication, choices, clock.now())
        response = HttpResponse(previews.force_scheme(html, choices.get("scheme", "")))
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def _mail(publication: Publication, choices: Mapping[str, str], now: datetime) -> str:
    """Return the HTML of an example mail; the publication is changed in memory only."""
    for name in THEME:
        setattr(publication, name, choices.get(name) or getattr(publication, name))
    for name in _TEXTS:
        setattr(publication, name, choices.get(name, getattr(publication, name)).strip())
    publication.name = publication.name or "Your publication"
    if "is_derived" in choices:
        publication.accent_dark = ""
    newsletter = Newsletter(
        publication=publication,
        slug="example",
        name=publication.name,
        list_id=f"example.{publication.sender_domain}",
        subject=publication.name,
        preheader="",
        design=choices.get("design") or Newsletter().design,
    )
    blocks = [
        Block(position=0, kind=BlockKind.LEAD),
        Block(position=1, kind=BlockKind.LATEST, title="Latest"),
        Block(position=2, kind=BlockKind.APPEAL, appeal=_example_appeal(publication)),
    ]
    issue = Issue(newsletter=newsletter, slot=now)
    return compile_issue(issue, blocks, _stories(publication, blocks)).html()


def _example_appeal(publication: Publication) -> Appeal:
    return Appeal(
        heading=f"A message from {publication.name}",
        body="What you ask for, in a few sentences.",
        button="Support us",
        url=publication.url,
    )


def _stories(publication: Publication, blocks: list[Block]) -> list[Story]:
    """Return the latest articles as stories: the first one leads."""
    articles = Article.objects.filter(publication_id=publication.pk, retracted_at=None)
    rows = [_fields(article) for article in articles.order_by("-available_at")[:_SHOWN_STORIES]]
    rows = rows or [{"title": title, "summary": summary} for title, summary in _EXAMPLES]
    return [
        Story(block=blocks[min(position, 1)], position=position, **row)
        for position, row in enumerate(rows)
    ]


def _fields(article: Article) -> dict[str, str]:
    names = ("title", "summary", "byline", "url", "image_url", "image_alt")
    return {name: getattr(article, name) for name in names}
