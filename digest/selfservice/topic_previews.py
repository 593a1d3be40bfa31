"""What each topic of a newsletter was about lately: headlines, shown where topics are chosen."""

from collections.abc import Iterable, Iterator

from django.db.models import Prefetch

from digest.issues.models import Issue, Story, TrackedLink
from digest.issues.window import issues_for_everyone
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Cadence, Newsletter
from digest.rendering.links import teaser_url

RECENT_ISSUES = 10  # of a newsletter, that are looked through
MOST_HEADLINES = 3  # of a topic

Headline = tuple[str, str]  # its text, and where it leads; "": nowhere


def headlines_of(newsletters: Iterable[Newsletter]) -> dict[int, dict[str, list[Headline]]]:
    """Return the latest headlines by newsletter id and topic; no topic that had none lately.

    Those of issues that went out to everyone: nothing is shown that was for some subscribers.
    """
    return {newsletter.pk: _by_topic(newsletter) for newsletter in newsletters}


def _by_topic(newsletter: Newsletter) -> dict[str, list[Headline]]:
    topics: dict[str, list[Headline]] = {}
    for story in _stories(newsletter):
        headline = (story.title, teaser_url(story))
        for topic in story.topics:
            headlines = topics.setdefault(topic, [])
            if len(headlines) < MOST_HEADLINES and headline not in headlines:
                headlines.append(headline)
    return topics


def _stories(newsletter: Newsletter) -> Iterator[Story]:
    issues = issues_for_everyone([newsletter.pk]).filter(cadence=Cadence.EVERY)
    recent = list(issues.order_by("-slot").values_list("pk", flat=True)[:RECENT_ISSUES])
    stories = Story.objects.filter(
        issue__in=recent, retracted_at=None, left_out=False, block__hidden=False
    )
    stories = stories.filter(block__segment=None, block__only_topics=[]).exclude(topics=[])
    stories = stories.exclude(block__shown_in=ShownIn.MAIL)  # of no web page
    stories = stories.exclude(article__retracted_at__isnull=False)
    links = Prefetch("links", TrackedLink.objects.all())
    issue = Prefetch("issue", Issue.objects.select_related("newsletter"))
    yield from stories.prefetch_related(links, issue).order_by("-issue__slot", "position")
