"""Plain factories, and one cast of people and places for all tests.

Each takes keyword arguments for whatever the test is about and fills in the rest. Times default to
NOON, a Monday.
"""

from datetime import time
from itertools import count
from typing import Any

from digest.articles.models import Article, Sighting, Source
from digest.issues.models import Block, Issue, Story
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.models import Appeal, LayoutBlock, Newsletter, Publication, Schedule
from digest.pictures.models import Picture
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber, Subscription
from tests import clock

NOON = clock.NOON
LONG_AGO = NOON.replace(year=2020)  # due by any clock

_numbers = count(1)


def make_publication(**fields: Any) -> Publication:
    """The Saltmarsh Courier."""
    defaults = {
        "slug": f"courier-{next(_numbers)}",
        "name": "The Saltmarsh Courier",
        "url": "https://courier.example",
        "postal_address": "1 Quay Street\nSaltmarsh",
        "sender_name": "The Saltmarsh Courier",
        "sender_email": "news@courier.example",
        "timezone": "Europe/London",
        "tracking": "none",  # links are direct
        "created_at": NOON,
    }
    return Publication.objects.create(**defaults | fields)


def make_newsletter(**fields: Any) -> Newsletter:
    """The Morning Tide, active, sent automatically, with lead, latest and appeal; no schedule."""
    slug = fields.pop("slug", f"morning-tide-{next(_numbers)}")
    publication = fields.pop("publication", None) or make_publication()
    defaults = {
        "publication": publication,
        "slug": slug,
        "name": "The Morning Tide",
        "list_id": f"{slug}.courier.example",
        "created_at": NOON,
        "approval": Newsletter.Approval.NONE,
        "review_minutes": 0,
    }
    newsletter = Newsletter.objects.create(**defaults | fields)
    for kind in (BlockKind.LEAD, BlockKind.LATEST, BlockKind.APPEAL):
        make_layout_block(newsletter, kind=kind)
    return newsletter


def make_layout_block(newsletter: Newsletter, **fields: Any) -> LayoutBlock:
    """A block at the end of the newsletter's layout; the latest stories unless told."""
    kind = fields.get("kind", BlockKind.LATEST)
    defaults = {
        "position": newsletter.layout.count(),
        "kind": kind,
        "title": "Latest Stories" if kind == BlockKind.LATEST else "",
    }
    return LayoutBlock.objects.create(newsletter=newsletter, **defaults | fields)


def make_schedule(newsletter: Newsletter, **fields: Any) -> Schedule:
    """Every day at seven in London."""
    defaults = {
        "days": list(range(7)),
        "time": time(7, 0),
        "timezone": "Europe/London",
        "since": NOON,
    }
    return Schedule.objects.create(newsletter=newsletter, **defaults | fields)


def make_appeal(publication: Publication, **fields: Any) -> Appeal:
    """A message from the Courier, from noon on."""
    defaults = {
        "heading": "A message from the Courier",
        "body": "We are five people and a boat.\n\nHelp us stay afloat.",
        "button": "Support us",
        "url": "https://courier.example/support",
        "starts_at": NOON,
    }
    return Appeal.objects.create(publication=publication, **defaults | fields)


def newest_publication() -> int:
    """Return the id of the publication that was made last, 0 if there is none."""
    return Publication.objects.order_by("pk").values_list("pk", flat=True).last() or 0


def make_source(newsletter: Newsletter | None = None, **fields: Any) -> Source:
    """A feed, used by the newsletter if one is given; of the newest publication if not."""
    defaults = {
        "publication_id": newsletter.publication_id if newsletter else newest_publication(),
        "url": f"https://courier.example/feed-{next(_numbers)}.xml",
        "next_poll_at": NOON,
        "created_at": NOON,
    }
    source = Source.objects.create(**defaults | fields)
    if newsletter:
        newsletter.sources.add(source)
    return source


def make_article(source: Source | None = None, **fields: Any) -> Article:
    """An article published at noon, seen in the source if one is given."""
    number = next(_numbers)
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


def make_subscriber(newsletter: Newsletter | None = None, **fields: Any) -> Subscriber:
    """A subscriber; confirmed and active on the newsletter if one is given."""
    email = fields.pop("email", f"ines{next(_numbers)}@reader.example")
    defaults = {"email": email, "address_key": email.casefold(), "created_at": NOON}
    subscriber = Subscriber.objects.create(**defaults | fields)
    if newsletter:
        Subscription.objects.create(
            subscriber=subscriber,
            newsletter=newsletter,
            state=Subscription.State.ACTIVE,
            created_at=NOON,
            confirmed_at=NOON,
        )
    return subscriber


def make_subscribers(
    newsletter: Newsletter, number: int, *, domain: str = "reader.example"
) -> None:
    """Many active subscribers of long ago, `subscriber0@reader.example` and so on, at one go."""
    addresses = [f"subscriber{n}@{domain}" for n in range(number)]
    subscribers = Subscriber.objects.bulk_create(
        (Subscriber(email=row, address_key=row, created_at=LONG_AGO) for row in addresses),
        batch_size=5_000,
    )
    Subscription.objects.bulk_create(
        (
            Subscription(
                subscriber=subscriber,
                newsletter=newsletter,
                state=Subscription.State.ACTIVE,
                created_at=LONG_AGO,
                confirmed_at=LONG_AGO,
            )
            for subscriber in subscribers
        ),
        batch_size=5_000,
    )


def make_issue(newsletter: Newsletter | None = None, **fields: Any) -> Issue:
    """A built issue for noon with no stories."""
    defaults = {"slot": NOON, "state": Issue.State.BUILT, "built_at": NOON}
    return Issue.objects.create(newsletter=newsletter or make_newsletter(), **defaults | fields)


def make_block(issue: Issue, kind: str = BlockKind.LATEST, **fields: Any) -> Block:
    """A block at the end of the issue."""
    return Block.objects.create(issue=issue, kind=kind, position=issue.blocks.count(), **fields)


def make_picture(publication: Publication, **fields: Any) -> Picture:
    """A ready picture that was uploaded; its files do not exist."""
    defaults = {
        "sha256": f"{next(_numbers):064x}",
        "format": "jpeg",
        "width": 1200,
        "height": 900,
        "alt": "The harbour at low tide",
        "created_at": NOON,
    }
    return Picture.objects.create(publication_id=publication.pk, **defaults | fields)


def make_story(issue: Issue, **fields: Any) -> Story:
    """A story at the end of the issue: in the lead, or in the latest stories behind it."""
    number = next(_numbers)
    is_first = not issue.stories.exists()
    kind, title = (BlockKind.LEAD, "") if is_first else (BlockKind.LATEST, "Latest Stories")
    block = issue.blocks.filter(kind=kind).first()
    defaults = {
        "block": fields.get("block") or block or make_block(issue, kind, title=title),
        "position": issue.stories.count(),
        "revision": 1,
        "reason": "latest",
        "url": f"https://courier.example/story-{number}",
        "title": f"Dredging vote splits the harbour, part {number}",
        "summary": "Members voted eight to seven to begin in spring.",
        "published_at": NOON,
    }
    return Story.objects.create(issue=issue, **defaults | fields)


def make_running(subscribers: int = 1, **fields: Any) -> Issue:
    """An issue being sent: one story, and a due delivery for each subscriber."""
    issue = make_issue(state=Issue.State.SENDING, planned_at=NOON, **fields)
    make_story(issue)
    for _ in range(subscribers):
        subscriber = make_subscriber(issue.newsletter)
        Delivery.objects.create(issue=issue, subscriber=subscriber, due_at=LONG_AGO)
    return issue
