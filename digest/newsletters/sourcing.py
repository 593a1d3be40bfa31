"""Which sources a newsletter carries."""

from django.db import transaction

from digest.articles.models import Source
from digest.newsletters.models import Newsletter


@transaction.atomic
def drop(newsletter: Newsletter, source: Source) -> bool:
    """Let a newsletter carry a source no more; False if it did not.

    A source that no newsletter carries any more is forgotten. Its articles stay: issues had them.
    """
    gone, _ = newsletter.sources.through.objects.filter(
        newsletter=newsletter, source=source
    ).delete()
    held = Source.objects.select_for_update().get(pk=source.pk)
    if gone and not held.newsletters.exists():
        held.delete()
    return bool(gone)
