"""Articles, and the sources that they come from."""

from typing import Any

from digest.articles.models import Article, Sighting, Source
from digest.newsletters.models import Newsletter
from tests.cast.newsletters import newest_publication, next_number
from tests.clock import NOON


def make_source(newsletter: Newsletter | None = None, **fields: Any) -> Source:
    """A feed, used by the newsletter if one is given; of the newest publication if not."""
    defaults = {
        "publication_id": newsletter.publication_id if newsletter else newest_publication(),
        "url": f"https://courier.example/feed-{next_number()}.xml",
        "next_poll_at": NOON,
        "created_at": NOON,
    }
    source = Source.objects.create(**defaults | fields)
    if newsletter:
        newsletter.sources.add(source)
    return source


def make_article(source: Source | None = None, **fields: Any) -> Article:
    """An article published at noon, seen in the source if one is given."""
    number = next_number()
    address = f"https://courier.example/story-{number}"
    defaults = {
        "publication_id": source.publication_id if source else newest_publication(),
        "canonical_url": address,
        "url": address,
        "title": f"Seals return to the sandbank, part {number}",
        "summary": "Counters saw forty grey seals on Sunday, the most since records began.",
        "byline": "Ada Marsh",
        "published_at": NOON,
        "first_seen_at": NOON,
        "content_hash": f"{number:064x}",
    }
    defaults |= fields
    defaults.setdefault("available_at", defaults["published_at"] or defaults["first_seen_at"])
    article = Article.objects.create(**defaults)
    if source:
        Sighting.objects.create(
            source=source, article=article, guid=address, first_seen_at=NOON, last_seen_at=NOON
        )
    return article
