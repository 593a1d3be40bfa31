"""The content of an issue as plain values for the theme: cleaned, shortened, in order.

Everything from outside passes through here: control characters are removed, a link is a web link or
empty, and no text is long enough to fill the mail on its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from digest.core import clock, languages, text
from digest.core.alt_text import describe_picture
from digest.core.languages import direction, text_direction
from digest.core.links import NOBODY, absolute, issue_url
from digest.core.links import story_url as tracked_story_url
from digest.core.text import printable
from digest.issues.models import Block, Issue, Story
from digest.newsletters.block_fields import MESSAGE_KINDS, STORY_KINDS, BlockKind
from digest.newsletters.blocks import is_empty, keys_of
from digest.newsletters.models import Appeal, Cadence, Newsletter, Publication
from digest.rendering.dates import format_full_date
from digest.rendering.directions import isolate
from digest.rendering.errors import RenderingError

LONGEST_TITLE = 300  # characters, like all of these
LONGEST_SUMMARY = 600
LONGEST_LINE = 300
LONGEST_TEXT = 4000
_UNFIT = re.compile('[\x00-\x20\x7f-\x9f"<>\\\\^`{|}\u2028\u2029]')


@dataclass(frozen=True, slots=True)
class Card:
    """A story as the theme shows it; every text except the title may be empty."""

    position: int
    title: str
    url: str  # http or https, or empty
    summary: str
    byline: str
    kicker: str
    image_url: str
    image_alt: str  # empty: the picture is decoration
    credits: str  # caption and credit
    direction: str  # rtl or ltr: of its own text, whatever the issue's


@dataclass(frozen=True, slots=True)
class Ask:
    """An appeal."""

    heading: str
    paragraphs: tuple[str, ...]
    button: str
    url: str


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block as its template shows it; what its kind does not have is empty."""

    kind: str  # of BlockKind, and the name of its template
    keys: tuple[int, ...]  # it is shown with any of these: positions of its stories, or its own key
    anchor: str  # for links to it in the web version
    title: str
    style: str
    shown_in: str  # both, mail or web
    cards: tuple[Card, ...] = ()
    ask: Ask | None = None
    paragraphs: tuple[str, ...] = ()  # of rich text
    values: Mapping[str, Any] = field(default_factory=dict)  # its content; empty where it has none

    @property
    def template(self) -> str:
        """The name of its template in templates/mail/blocks: kinds with stories share one."""
        shares = self.kind in STORY_KINDS - {BlockKind.LEAD}
        return "stories" if shares else str(self.kind)


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
    archive_url: str  # empty: the newsletter is on no public page
    blocks: tuple[BlockView, ...]

    @property
    def headline(self) -> str:
        """The title of the first story; empty without one."""
        cards = (card for block in self.blocks for card in block.cards)
        return next((card.title for card in cards), "")


def content_of(issue: Issue, blocks: Sequence[Block], stories: Sequence[Story]) -> Content:
    """Return the content of an issue: its visible blocks in order, without the empty ones."""
    newsletter = issue.newsletter
    publication = newsletter.publication
    language = language_of(newsletter)
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
        blocks=tuple(_block_views(issue, blocks, stories)),
    )


def _online_url(issue: Issue) -> str:
    """Return the address of an issue in a browser, which belongs to this issue alone.

    The archive has no daily or weekly issues; those of an unlisted newsletter are shown there.
    """
    issues = archive_url(issue.newsletter)
    if issues and issue.cadence != Cadence.EVERY:
        return issues
    return issue_url(issue if issue.pk else NOBODY)  # a draft is nowhere yet


def archive_url(newsletter: Newsletter) -> str:
    """Return the public URL of a newsletter's past issues; empty for an unlisted newsletter."""
    return absolute(f"/archive/{newsletter.slug}") if newsletter.listed else ""


def language_of(newsletter: Newsletter) -> str:
    """Return the newsletter's language tag, or else its publication's."""
    return newsletter.language or newsletter.publication.language


def story_url(issue: Issue, story: Story) -> str:
    """Return a story's link: to the article, or a tracked link if the newsletter has these.

    It is empty without a web address. A draft that is not saved cannot have tracked links.
    """
    direct = web_url(story.url)
    is_tracked = issue.newsletter.redirect_links and issue.pk and story.pk
    return tracked_story_url(issue, story) if direct and is_tracked else direct


def editors_values(issue: Issue, content: Content, stories: Sequence[Story]) -> dict[str, Any]:
    """Return the variables of editors' templates: plain texts only."""
    return {
        "stories": [
            {
                "title": line(story.title),
                "summary": shortened(story.summary, LONGEST_SUMMARY),
                "byline": line(story.byline),
                "section": line(story.block.title),
                "kicker": line(story.kicker),
                "url": story_url(issue, story),
            }
            for story in sorted(stories, key=lambda story: story.position)
        ],
        "newsletter": {"name": content.newsletter},
        "publication": {"name": content.publication, "tagline": content.tagline},
        "issue": {"date": content.date, "url": content.online_url},
    }


def shortened(text: str, longest: int) -> str:
    """Return text on one line, cut at a word with an ellipsis where it is too long."""
    flat = " ".join(printable(text).split())
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
    rows = printable(text)[:LONGEST_TEXT].splitlines()
    return [line(row) for row in rows if row.strip()][:12]


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which blank lines separate."""
    parts = re.split(r"\n[ \t]*\n", printable(text)[:LONGEST_TEXT])
    return [" ".join(part.split()) for part in parts if part.strip()]


def web_url(url: str) -> str:
    """Return a web address that is safe in a mail; blank for one that HTML would break."""
    address = text.web_url(url.strip().replace(" ", "%20"))
    is_fit = not _UNFIT.search(address) and "%" not in urlsplit(address).netloc
    return address if is_fit else ""


def address_lines(publication: Publication) -> list[str]:
    """Return the postal address, without the publication's name, which is shown above it."""
    first, *rest = lines(publication.postal_address) or [""]
    return rest if first == line(publication.name) else [first, *rest]


def _block_views(
    issue: Issue, blocks: Sequence[Block], stories: Sequence[Story]
) -> Iterator[BlockView]:
    by_block = dict[int, list[Story]]()
    for story in sorted(stories, key=lambda story: story.position):
        by_block.setdefault(story.block.position, []).append(story)
    for block in sorted(blocks, key=lambda block: block.position):
        if not block.hidden and (view := _block_view(issue, block, by_block)):
            yield view


def _block_view(
    issue: Issue, block: Block, by_block: Mapping[int, Sequence[Story]]
) -> BlockView | None:
    """Return a block as its template shows it; None if there is nothing to show."""
    stories = by_block.get(block.position, ()) if block.has_stories else ()
    if is_empty(block) or (block.has_stories and not stories):
        return None
    publication = line(issue.newsletter.publication.name)
    language = language_of(issue.newsletter)
    ask = _ask(block.appeal, language, publication) if block.appeal else None
    if block.kind in MESSAGE_KINDS and ask is None:
        return None
    heading = "" if block.kind == BlockKind.LEAD else block.title
    return BlockView(
        kind=block.kind,
        keys=tuple(story.position for story in stories) if stories else (block.key,),
        anchor=f"block-{block.position + 1}",
        title=line(heading),
        style=block.style,
        shown_in=block.shown_in,
        cards=tuple(_card(issue, story, _label(story.kicker, heading)) for story in stories),
        ask=ask,
        paragraphs=tuple(_paragraphs_of(block.content.get("document") or {})),
        values={name: block.content.get(name, "") for name in keys_of(block.kind)},
    )


def _paragraphs_of(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of the paragraphs of a rich text document."""
    for node in document.get("content", ()):
        if node.get("type") in ("paragraph", "heading"):
            pieces = (piece.get("text", "") for piece in node.get("content", ()))
            if paragraph := shortened("".join(pieces), LONGEST_TEXT):
                yield paragraph
        else:
            yield from _paragraphs_of(node)


def _label(kicker: str, heading: str) -> str:
    """Return a card's label, unless it repeats the heading above it."""
    return "" if kicker.casefold() == heading.casefold() else kicker


def _card(issue: Issue, story: Story, label: str) -> Card:
    title = shortened(story.title, LONGEST_TITLE)
    if not title:
        raise RenderingError(f"Story {story.position} has no title. Add one to its article.")
    caption, credit = line(story.image_caption), line(story.image_credit)
    summary = shortened(story.summary, LONGEST_SUMMARY)
    set_in = direction(language_of(issue.newsletter))
    return Card(
        position=story.position,
        title=title,
        url=story_url(issue, story),
        summary=summary,
        byline=line(story.byline),
        kicker=line(label),
        image_url=web_url(story.image_url),
        image_alt=describe_picture(line(story.image_alt), caption, title),
        credits=_join_credits(caption, credit),
        direction=text_direction(f"{title} {summary}", set_in),
    )


def _join_credits(caption: str, credit: str) -> str:
    """Return caption and credit; after a full sentence they need no separator."""
    separator = " " if caption.endswith((".", "!", "?", "。")) else " · "
    if caption and credit and text_direction(caption) != text_direction(credit):
        caption, credit = isolate(caption), isolate(credit)
    return separator.join(part for part in (caption, credit) if part)


def _ask(appeal: Appeal, language: str, publication: str) -> Ask:
    with languages.override(language):
        default = _("A message from %(publication)s") % {"publication": publication}
    return Ask(
        heading=line(appeal.heading) or default,
        paragraphs=tuple(paragraphs(appeal.body)),
        button=line(appeal.button),
        url=web_url(appeal.url),
    )
