"""Makes the sample paper a publication of this installation, once.

Sets up the publication, its newsletter, its source and five subscribers, and a schedule whose first
slot is the next full minute, so that a first digest arrives by itself. DIGEST_SAMPLE_HEAD_START,
in seconds, changes what beat and worker get before it: with -60, the minute that has begun is due
at once. Page views of its stories make some popular. Later starts only make the addresses follow
the port, report page views again, and complete what an interrupted one left out.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from digest.analytics import popularity
from digest.articles import site_views
from digest.articles.discovery import add_and_poll
from digest.articles.models import Article
from digest.core import addresses, clock, env, links
from digest.embedded.sample import paper
from digest.embedded.sample.paper import NEWSLETTER, PUBLICATION
from digest.newsletters import setup
from digest.newsletters.choices import Approval
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.newsletters.publicity.states import NewsletterState
from digest.subscribers.consent import subscribe

SENDER = "tide@courier.example"
HEAD_START = "10"  # seconds; beat and worker must be running when the first slot comes
WORDING = "Sample subscriber, made up with the sample publication."


class Subscriber(NamedTuple):
    """One of the five who read it all."""

    name: str
    email: str


SUBSCRIBERS = (
    Subscriber("Inés Carrasco", "ines@reader.example"),
    Subscriber("Tom Ashdown", "tom@reader.example"),
    Subscriber("Oluwaseun Adeyemi", "seun@reader.example"),
    Subscriber("Zoë Brandt", "zoe@reader.example"),
    Subscriber("Елена Маринова", "elena@reader.example"),
)


def set_up(site: str, now: datetime) -> None:
    """Set up what is missing, and make addresses follow `site`, the paper's address on loopback."""
    newsletter = Newsletter.objects.filter(slug=NEWSLETTER).first()
    if newsletter is None:
        newsletter = _create(now)
    else:
        _follow(newsletter, site)
        if newsletter.state == NewsletterState.CLOSED:  # put away before
            setup.set_state(newsletter, NewsletterState.LIVE, now)
    if not newsletter.sources.exists():
        polled = add_and_poll(newsletter.publication_id, f"{site}/feed.xml", now)
        newsletter.sources.add(polled.source)
    _record_views(newsletter.publication, now)


def _record_views(publication: Publication, now: datetime) -> None:
    """Report the page views of the paper's stories, as the analytics of a site would."""
    views = {story.slug: story.views for story in paper.stories() if story.views}
    urls = Article.objects.filter(publication_id=publication.pk).values_list("url", flat=True)
    counted = {url: views[slug] for url in urls if (slug := url.rpartition("/")[2]) in views}
    site_views.record_views(publication.pk, counted, now)
    popularity.refresh(publication, now)


def put_away(now: datetime) -> None:
    """Keep a sample that was set up before from being sent."""
    for newsletter in Newsletter.objects.public().filter(slug=NEWSLETTER):
        setup.set_state(newsletter, NewsletterState.CLOSED, now)


def first_slot(now: datetime) -> datetime:
    """Return the next full minute that leaves time for the worker to come up."""
    head_start = timedelta(seconds=float(env.read("DIGEST_SAMPLE_HEAD_START", HEAD_START)))
    early = now + head_start + timedelta(minutes=1)
    return early.replace(second=0, microsecond=0)


@transaction.atomic
def _create(now: datetime) -> Newsletter:
    particulars = paper.particulars()
    publication = setup.create_publication(
        slug=PUBLICATION,
        name=particulars.name,
        tagline=particulars.tagline,
        url=links.absolute("/sample/"),
        logo_url=links.absolute("/sample/images/logo.png"),
        accent=particulars.accent,
        accent_dark=particulars.accent_dark,
        postal_address=particulars.postal_address,
        sender_email=SENDER,
        language=particulars.language,
        timezone=particulars.timezone,
        now=now,
    )
    newsletter = _create_newsletter(publication, now)
    _create_appeal(publication, now)
    _add_subscribers(newsletter, now)
    return newsletter


def _create_newsletter(publication: Publication, now: datetime) -> Newsletter:
    slot = first_slot(now)
    first = slot.astimezone(clock.zone(publication.timezone))
    return setup.create_newsletter(
        publication,
        slug=NEWSLETTER,
        name="The Morning Tide",
        description="What matters on this coast, in one email a day.",
        topics={"Environment": ["Environment"], "Culture": ["Culture"]},
        cadences=["weekly"],
        look_back_hours=30,
        days=range(7),
        at=first.time().replace(tzinfo=None),
        approval=Approval.NONE,  # the first issue goes out while somebody watches
        review_minutes=0,
        now=min(now, slot - timedelta(seconds=1)),
    )


def _create_appeal(publication: Publication, now: datetime) -> None:
    appeal = paper.particulars().appeal
    Appeal.objects.create(
        publication=publication,
        heading=appeal.heading,
        body=appeal.body.strip(),
        button=appeal.button,
        url=links.absolute(appeal.url),
        starts_at=now,
    )


def _add_subscribers(newsletter: Newsletter, now: datetime) -> None:
    for subscriber in SUBSCRIBERS:
        subscribe(
            addresses.parse(subscriber.email),
            newsletter,
            name=subscriber.name,
            via="sample",
            confirmed=True,
            wording=WORDING,
            now=now,
        )


def _follow(newsletter: Newsletter, site: str) -> None:
    """Let every address that we made follow the port of this start."""
    Publication.objects.filter(pk=newsletter.publication_id).update(
        url=links.absolute("/sample/"), logo_url=links.absolute("/sample/images/logo.png")
    )
    path = paper.particulars().appeal.url
    Appeal.objects.filter(publication=newsletter.publication_id, url__endswith=path).update(
        url=links.absolute(path)
    )
    newsletter.sources.filter(url__endswith="/sample/feed.xml").update(url=f"{site}/feed.xml")
