"""A topic gets another title: subscribers chose topics by it, and stories are sorted by it."""

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Cast

from digest.issues.models import Issue, Story
from digest.newsletters import sections
from digest.newsletters.models import Section
from digest.subscribers.models import Subscription

State = Issue.State
_UPCOMING = (State.DRAFT, State.BUILT, State.SENDING, State.PAUSED)
_TITLE = CharField(max_length=sections.LONGEST_TITLE)


@transaction.atomic
def change_section(section: Section, title: str, topics: list[str], max_stories: int) -> None:
    """Change a section as `sections.change` does, and rename its topic where it was chosen.

    Subscribers and upcoming issues have the topic under its new title then. Issues that are out
    stay as they are.
    """
    old_title = Section.objects.get(pk=section.pk).title
    sections.change(section, title, topics, max_stories)
    if section.kind != Section.Kind.TOPIC or section.title == old_title:
        return
    newsletter = section.newsletter_id
    renamed_topics = _replace("topics", old_title, section.title)
    subscriptions = Subscription.objects.filter(newsletter=newsletter, topics__contains=[old_title])
    subscriptions.update(topics=renamed_topics)
    upcoming = Issue.objects.filter(newsletter=newsletter, state__in=_UPCOMING)
    stories = Story.objects.filter(issue__in=upcoming, topics__contains=[old_title])
    stories.update(topics=renamed_topics)
    limited = upcoming.filter(only_topics__contains=[old_title])
    limited.update(only_topics=_replace("only_topics", old_title, section.title))


def _replace(field: str, old_title: str, title: str) -> Func:
    titles = (Cast(Value(text), _TITLE) for text in (old_title, title))
    return Func(F(field), *titles, function="array_replace", output_field=ArrayField(_TITLE))
