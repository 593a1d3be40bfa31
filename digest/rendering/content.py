"""What an issue says, as plain values for the theme: cleaned, shortened, in order.

Everything that came from outside passes through here: control characters go, links are web links
or none, and no text is so long that it would fill the mail by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from digest.articles.models import LONGEST_URL
from digest.core import clock, languages
from digest.core.languages import direction
from digest.core.links import absolute
from digest.core.links import story_url as way_to
from digest.issues.models import Issue, Story
from digest.newsletters.models import Appeal, Cadence, Newsletter, Publication
from digest.rendering.dates import format_full_date
from digest.rendering.errors import RenderingError

LONGEST_TITLE = 300  # characters, of which a mail shows the first ones
LONGEST_SUMMARY = 600
LONGEST_LINE = 300
LONGEST_TEXT = 4000
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")
_UNFIT = re.compile('[\x00-\x20\x7f-\x9f"<>\\\\^`{|}\u2028\u2029]')


@dataclass(frozen=True, slots=True)
class Card:
    """A story as the theme shows it; every text may be empty but the title."""

    position: int
    title: str
    url: str  # http or https, or empty
    summary: str
    byline: str
    kicker: str
    image_url: str
    image_alt: str
    credits: str  # caption and credit


@dataclass(frozen=True, slots=True)
class Group:
    """A section's stories, the lead apart."""

    title: str
    cards: tuple[Card, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """The stories with which the section's heading is shown."""
        return tuple(card.position for card in self.cards)


@dataclass(frozen=True, slots=True)
class Ask:
    """An appeal."""

    heading: str
    paragraphs: tuple[str, ...]
    button: str
    url: str


@dataclass(frozen=True, slots=True)
class Content:
    """An issue, ready for the theme."""

    publication: str
    newsletter: str
    tagline: str
    site_url: str
    logo_url: str
    logo_width: int
    address_lines: tuple[str, ...]
    language: str
    direction: str
    date: str
    accent: str
    accent_dark: str
    online_url: str
    archive_url: str
    lead: Card | None
    groups: tuple[Group, ...]
    ask: Ask | None


def content_of(issue: Issue, stories: Sequence[Story], appeal: Appeal | None) -> Content:
    """Return what the issue says; stories in order of position, the first one leads."""
    newsletter = issue.newsletter
    publication = newsletter.publication
    language = language_of(newsletter)
    ranked = sorted(stories, key=lambda story: story.position)
    return Content(
        publication=line(publication.name),
        newsletter=line(newsletter.name),
        tagline=line(publication.tagline),
        site_url=web_url(publication.url),
        logo_url=web_url(publication.logo_url),
        logo_width=min(max(publication.logo_width, 40), 520),
        address_lines=tuple(address_lines(publication)),
        language=language,
        direction=direction(language),
        date=format_full_date(issue.slot.astimezone(clock.zone(publication.timezone)), language),
        accent=publication.accent,
        accent_dark=publication.accent_dark,
        online_url=_online_url(issue),
        archive_url=archive_url(newsletter),
        lead=_card(issue, ranked[0], ranked[0].kicker or ranked[0].section) if ranked else None,
        groups=tuple(_groups(issue, ranked[1:])),
        ask=_ask(appeal, language, line(publication.name)) if appeal else None,
    )


def _online_url(issue: Issue) -> str:
    """Return where an issue can be read; the archive holds issues, not those of days or weeks."""
    issues = archive_url(issue.newsletter)
    return f"{issues}/{issue.key}" if issue.cadence == Cadence.EVERY else issues


def archive_url(newsletter: Newsletter) -> str:
    """Return the public address of a newsletter's past issues."""
    return absolute(f"/archive/{newsletter.slug}")


def language_of(newsletter: Newsletter) -> str:
    """Return the newsletter's language tag, by default its publication's."""
    return newsletter.language or newsletter.publication.language


def story_url(issue: Issue, story: Story) -> str:
    """Return where a story's link leads: to the article, or by way of us; empty where to nothing.

    A draft that is saved nowhere has no way by us.
    """
    direct = web_url(story.url)
    by_us = issue.newsletter.redirect_links and issue.pk and story.pk
    return way_to(issue.pk, story.pk) if direct and by_us else direct


def editors_values(issue: Issue, content: Content, stories: Sequence[Story]) -> dict[str, Any]:
    """Return what editors' templates may speak of: plain texts only."""
    return {
        "stories": [
            {
                "title": line(story.title),
                "summary": shortened(story.summary, LONGEST_SUMMARY),
                "byline": line(story.byline),
                "section": line(story.section),
                "kicker": line(story.kicker),
                "url": story_url(issue, story),
            }
            for story in sorted(stories, key=lambda story: story.position)
        ],
        "newsletter": {"name": content.newsletter},
        "publication": {"name": content.publication, "tagline": content.tagline},
        "issue": {"date": content.date, "url": content.online_url},
    }


def clean(text: str) -> str:
    r"""Return text without control characters or half characters; its lines end in `\n`."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", whole))


def shortened(text: str, longest: int) -> str:
    """Return text on one line, cut at a word with an ellipsis where it is too long."""
    flat = " ".join(clean(text).split())
    if len(flat) <= longest:
        return flat
    head = flat[: longest - 1]
    whole = head.rpartition(" ")[0]
    return (whole if len(whole) > longest // 2 else head).rstrip(" ,;:.") + "…"


def line(text: str) -> str:
    """Return a short text on one line."""
    return shortened(text, LONGEST_LINE)


def lines(text: str) -> list[str]:
    """Return the lines of a short text that are not blank."""
    return [line(each) for each in clean(text)[:LONGEST_TEXT].splitlines() if each.strip()][:12]


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text: blank lines part them."""
    parts = re.split(r"\n[ \t]*\n", clean(text)[:LONGEST_TEXT])
    return [" ".join(part.split()) for part in parts if part.strip()]


def web_url(url: str) -> str:
    """Return the address if it is one of the web, otherwise nothing; `javascript:` is nothing."""
    given = url.strip().replace(" ", "%20")
    try:
        parts = urlsplit(given)
    except ValueError:
        return ""
    web = parts.scheme in {"http", "https"} and parts.netloc and "%" not in parts.netloc
    fit = given.isprintable() and not _UNFIT.search(given) and len(given) <= LONGEST_URL
    return given if web and fit else ""


def address_lines(publication: Publication) -> list[str]:
    """Return the postal address, without the name that some begin with: it stands above anyway."""
    first, *others = lines(publication.postal_address) or [""]
    return others if first == line(publication.name) else [first, *others]


def _groups(issue: Issue, stories: Sequence[Story]) -> list[Group]:
    return [
        Group(
            line(title),
            tuple(_card(issue, story, _other(story.kicker, title)) for story in some),
        )
        for title, some in groupby(stories, key=lambda story: story.section)
    ]


def _other(kicker: str, heading: str) -> str:
    """A card's label says what the heading above it doesn't."""
    return "" if kicker.casefold() == heading.casefold() else kicker


def _card(issue: Issue, story: Story, label: str) -> Card:
    title = shortened(story.title, LONGEST_TITLE)
    if not title:
        raise RenderingError(f"Story {story.position} has no title; give its article one.")
    caption, credit = line(story.image_caption), line(story.image_credit)
    return Card(
        position=story.position,
        title=title,
        url=story_url(issue, story),
        summary=shortened(story.summary, LONGEST_SUMMARY),
        byline=line(story.byline),
        kicker=line(label),
        image_url=web_url(story.image_url),
        image_alt=line(story.image_alt),
        credits=_joined(caption, credit),
    )


def _joined(caption: str, credit: str) -> str:
    """A caption that is a sentence needs no other mark before the credit."""
    between = " " if caption.endswith((".", "!", "?", "。")) else " · "
    return between.join(part for part in (caption, credit) if part)


def _ask(appeal: Appeal, language: str, publication: str) -> Ask:
    with languages.override(language):
        default = _("A message from %(publication)s") % {"publication": publication}
    return Ask(
        heading=line(appeal.heading) or default,
        paragraphs=tuple(paragraphs(appeal.body)),
        button=line(appeal.button),
        url=web_url(appeal.url),
    )
