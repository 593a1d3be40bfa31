"""A section gets another title: subscribers chose topics by it, and issues are sorted by it."""

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Cast

from digest.issues.models import Issue, Story
from digest.newsletters import sections
from digest.newsletters.models import Section
from digest.subscribers.models import Subscription

State = Issue.State
_TO_COME = (State.DRAFT, State.BUILT, State.SENDING, State.PAUSED)
_TITLE = CharField(max_length=sections.LONGEST_TITLE)


@transaction.atomic
def change(section: Section, title: str, topics: list[str], max_stories: int) -> None:
    """Change a section as `sections.change` does; subscribers keep the topic under its new title.

    So do issues that are not out yet; those that are stay as they were.
    """
    was = Section.objects.get(pk=section.pk).title
    sections.change(section, title, topics, max_stories)
    if section.kind != Section.Kind.TOPIC or section.title == was:
        return
    newsletter, now = section.newsletter_id, _renamed("topics", was, section.title)
    chosen = Subscription.objects.filter(newsletter=newsletter, topics__contains=[was])
    chosen.update(topics=now)
    coming = Issue.objects.filter(newsletter=newsletter, state__in=_TO_COME)
    Story.objects.filter(issue__in=coming, topics__contains=[was]).update(topics=now)
    only = _renamed("only_topics", was, section.title)
    coming.filter(only_topics__contains=[was]).update(only_topics=only)


def _renamed(field: str, was: str, title: str) -> Func:
    whole = ArrayField(_TITLE)
    words = (Cast(Value(each), _TITLE) for each in (was, title))
    return Func(F(field), *words, function="array_replace", output_field=whole)
