"""A story's link by way of us: to the article, or to a note where it was taken back."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.core import languages
from digest.core.errors import LinkError
from digest.core.links import read_story_token
from digest.issues.models import Story
from digest.rendering.content import web_url
from digest.web import visitor


@require_safe
@never_cache  # it may be taken back at any time
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Lead on to a story's article. Nothing is counted: the link doesn't say whose mail it was in.

    Where to is what was stored with the story, so no link leads where its maker likes.
    """
    story = _story(token)
    if _was_taken_back(story):
        return _note(request, story)
    if not (url := web_url(story.url)):
        raise Http404
    response = HttpResponseRedirect(url)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _story(token: str) -> Story:
    try:
        issue, number = read_story_token(token)
    except LinkError as cause:
        raise Http404 from cause
    known = Story.objects.select_related("article", "issue__newsletter__publication")
    found = known.filter(pk=number, issue=issue).first()
    if found is None:
        raise Http404
    return found


def _was_taken_back(story: Story) -> bool:
    """Say so for the story in its issue, and for its article everywhere."""
    return bool(story.retracted_at or (story.article and story.article.retracted_at))


def _note(request: HttpRequest, story: Story) -> HttpResponse:
    newsletter = story.issue.newsletter
    with languages.spoken(visitor.language_for(request, newsletter)):
        context = {"newsletter": newsletter, "story": story}
        response = render(request, "archive/retracted.html.j2", context)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
