"""The content of an issue as plain values for the theme: cleaned, shortened, in order.

Everything from outside passes through `cleaned`: control characters are removed, a link is a web
link or empty, and no text is long enough to fill the mail on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from digest.core import clock, languages
from digest.core.languages import direction
from digest.issues.experiments.variants import Leads
from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import TopicLinks
from digest.newsletters.models import Newsletter, Publication
from digest.rendering import links
from digest.rendering.blocks.pictures import Picture
from digest.rendering.blocks.views import BlockView, Card, block_views
from digest.rendering.cleaned import LONGEST_SUMMARY, line, lines, mail_url, shortened
from digest.rendering.dates import format_full_date
from digest.rendering.links import language_of
from digest.rendering.targets import Targets

_LISTED = 6  # headlines in the list at the top


@dataclass(frozen=True, slots=True)
class Content:
    """An issue, ready for the theme."""

    publication: str
    newsletter: str
    tagline: str
    site_url: str
    logo: Picture | None
    logo_dark: Picture | None  # in its place in dark mode
    address_lines: tuple[str, ...]
    language: str
    direction: str
    date: str  # of the day on which it goes out, in the publication's zone; empty: on many days
    online_url: str
    archive_url: str  # empty: the newsletter is on no public page
    sign_up_url: str  # empty: nobody may sign up
    reply_to: str  # an address, or empty
    share_links: tuple[tuple[str, str], ...]  # label and link
    contents_from: int  # so many stories get a list of headlines; 0: never
    blocks: tuple[BlockView, ...]
    trap_url: str = ""  # the hidden link; empty where nothing is counted
    topics: tuple[tuple[str, str], ...] = ()  # the issue's, each with `links.topic_query`
    pixel_url: str = ""  # without the end of its path; empty where opens are not counted

    @property
    def headline(self) -> str:
        """The title of the first story; empty without one."""
        cards = (card for block in self.blocks for card in block.cards)
        return next((card.title for card in cards), "")

    @property
    def reply_url(self) -> str:
        """The link that writes to us (RFC 6068 §2); empty without an address."""
        return f"mailto:{quote(self.reply_to, safe='@+')}" if self.reply_to else ""

    @property
    def inside(self) -> tuple[Card, ...]:
        """What a long issue lists at its top: the first story of each block, or the first ones.

        Empty in a shorter one.
        """
        blocks = [block for block in self.blocks if block.cards and block.shown_in == "both"]
        cards = [card for block in blocks for card in block.cards if card.is_usual]
        if not self.contents_from or len(cards) < self.contents_from:
            return ()
        first_cards = [block.cards[0] for block in blocks]
        return tuple(first_cards if len(first_cards) > 3 else cards)[:_LISTED]


def content_of(
    issue: Issue,
    blocks: Sequence[Block],
    stories: Sequence[Story],
    targets: Targets | None = None,
    leads: Leads | None = None,
) -> Content:
    """Return the content of an issue: its visible blocks in order, without the empty ones.

    Without `targets` all links are direct. Where leads are tested, blocks have the cards of all
    variants.
    """
    targets = targets or Targets(issue)
    newsletter = issue.newsletter
    publication = newsletter.publication
    language = language_of(newsletter)
    day = issue.goes_at.astimezone(clock.zone(publication.timezone))
    with languages.override(language):
        share_links = tuple(links.share_links(issue, line(newsletter.name)))
    return Content(
        publication=line(publication.name),
        newsletter=line(newsletter.name),
        tagline=line(publication.tagline),
        site_url=mail_url(publication.url),
        logo=_logo(publication, publication.logo_url),
        logo_dark=_logo(publication, publication.logo_dark_url),
        address_lines=tuple(address_lines(publication)),
        language=language,
        direction=direction(language),
        date="" if issue.is_of_series else format_full_date(day, language),
        online_url=links.online_url(issue),
        archive_url=links.archive_url(newsletter),
        sign_up_url=links.sign_up_url(newsletter),
        reply_to=publication.reply_to,
        share_links=share_links,
        contents_from=newsletter.contents_from,
        blocks=tuple(block_views(issue, blocks, stories, targets, leads)),
        trap_url=targets.trap(mail_url(publication.url)),
        pixel_url=targets.pixel(),
        topics=_topics(newsletter, stories),
    )


def _topics(newsletter: Newsletter, stories: Sequence[Story]) -> tuple[tuple[str, str], ...]:
    """Return the topics of the stories, each once, where they stand at the end of the mail."""
    if newsletter.topic_links != TopicLinks.END:
        return ()
    ordered = sorted(stories, key=lambda story: story.position)
    topics = dict.fromkeys(topic for story in ordered for topic in story.topics)
    return tuple((line(topic), links.topic_query(newsletter, topic)) for topic in topics)


def editors_values(content: Content, stories: Sequence[Story]) -> dict[str, Any]:
    """Return the variables of editors' templates: plain texts only."""
    return {
        "stories": [
            {
                "title": line(story.title),
                "summary": shortened(story.summary, LONGEST_SUMMARY),
                "byline": line(story.byline),
                "section": line(story.block.title),
                "kicker": line(story.kicker),
                "url": mail_url(story.url),
            }
            for story in sorted(stories, key=lambda story: story.position)
        ],
        "newsletter": {"name": content.newsletter},
        "publication": {"name": content.publication, "tagline": content.tagline},
        "issue": {"date": content.date, "url": content.online_url},
    }


def address_lines(publication: Publication) -> list[str]:
    """Return the postal address, without the publication's name, which is shown above it."""
    first, *rest = lines(publication.postal_address) or [""]
    return rest if first == line(publication.name) else [first, *rest]


def _logo(publication: Publication, address: str) -> Picture | None:
    url = mail_url(address)
    width = min(max(publication.logo_width, 40), 520)
    return Picture(url, width, 0, line(publication.name)) if url else None
