"""An example mail in a design that is being chosen: the theme, and the layout of stories."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.articles.models import Article
from digest.console.access import scope_of
from digest.console.issues import previews
from digest.console.pages import page_view
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.issue import compile_issue

THEME = ("accent", "accent_dark", "background", "fonts", "corner", "density")
_SHOWN_STORIES = 5
_EXAMPLES = (
    ("A headline", "What the story is about, in one or two sentences."),
    ("Another headline", "What this story is about."),
    ("A third headline", "What the third story is about."),
)


@page_view(Right.SEE)
@xframe_options_sameorigin
def preview(request: HttpRequest, publication: int) -> HttpResponse:
    """Show the publication's latest articles in the design that the query names.

    Its fields are those of the forms: the theme's, `design`, and `scheme` (light or dark). Nothing
    is saved.
    """
    publications = scope_of(request, Right.SEE).publications()
    row = get_object_or_404(publications, pk=publication)
    try:
        html = _mail(row, request.GET, clock.now())
        response = HttpResponse(previews.force_scheme(html, request.GET.get("scheme", "")))
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def _mail(publication: Publication, choices: QueryDict, now: datetime) -> str:
    """Return the HTML of an example mail; the publication is changed in memory only."""
    for name in THEME:
        setattr(publication, name, choices.get(name) or getattr(publication, name))
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
