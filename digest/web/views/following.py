"""Tracked story links: redirect to the article, or show a note if the story was retracted."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from digest.core import languages, links
from digest.core.errors import LinkError, LinkGoneError
from digest.issues.models import Story
from digest.rendering.cleaned import web_url
from digest.web import visitor
from digest.web.refusals import refuse_link


@require_safe
@never_cache  # the story may be retracted at any time
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect to a story's article. Nothing is counted: the link does not identify a subscriber.

    The target is the URL stored with the story, so a forged link cannot redirect elsewhere.
    """
    try:
        story = _story(token)
    except LinkError as problem:
        return refuse_link(request, problem)
    if _is_retracted(story):
        return _retraction_page(request, story)
    if not (url := web_url(story.url)):
        raise Http404
    response = HttpResponseRedirect(url)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _story(token: str) -> Story:
    """Return the story that a link was made for; raise LinkError if there is none."""
    link = links.read_story_token(token)
    issue_id, story_id = link.ids
    stories = Story.objects.select_related("article", "issue__newsletter__publication")
    story = stories.filter(pk=story_id, issue=issue_id).first()
    if story is None:
        raise LinkGoneError(links.OUTDATED)
    link.require(story.issue, story)
    return story


def _is_retracted(story: Story) -> bool:
    """Return whether the story was retracted in its issue, or its article everywhere."""
    return bool(story.retracted_at or (story.article and story.article.retracted_at))


def _retraction_page(request: HttpRequest, story: Story) -> HttpResponse:
    newsletter = story.issue.newsletter
    with languages.override(visitor.language_for(request, newsletter)):
        context = {"newsletter": newsletter, "story": story}
        response = render(request, "archive/retracted.html.j2", context)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
