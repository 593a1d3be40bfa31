"""The blocks of an issue as their templates show them: plain values, without the empty ones.

Each kind has a template of its name in templates/mail/blocks, for HTML and for text; the kinds with
stories share one, except for the lead.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote
from uuid import UUID

from django.utils.translation import gettext as _
from markupsafe import Markup

from digest.core import languages, reading_time
from digest.core.alt_text import describe_picture
from digest.core.languages import direction, text_direction
from digest.core.rich_text.document import Document, nodes
from digest.issues.experiments.variants import Leads
from digest.issues.models import Block, Issue, Story
from digest.newsletters.blocks import is_empty
from digest.newsletters.choices import MESSAGE_KINDS, STORY_KINDS, BlockKind, ShownIn, TopicLinks
from digest.newsletters.models import Appeal
from digest.pictures.sizes import Size
from digest.rendering import rich_text
from digest.rendering.blocks import pictures, variants
from digest.rendering.blocks.pictures import Picture
from digest.rendering.cleaned import (
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    line,
    mail_url,
    paragraphs,
    shortened,
)
from digest.rendering.directions import isolate, isolate_name
from digest.rendering.errors import RenderingError
from digest.rendering.links import language_of, topic_query
from digest.rendering.targets import Place, Targets

# How bylines begin that say already that somebody wrote it, in the languages of the catalogs.
_HAS_BY = re.compile(
    r"(by|von|text|par|por|di|da|de|door|tekst|testo|texto|texte|מאת|بقلم|كتب[ت]?)\b[:\s]",
    re.IGNORECASE,
)


Occupants = Sequence[tuple[Story, tuple[int, ...]]]  # of one place, each with its keys


@dataclass(frozen=True, slots=True)
class Card:
    """A story as the theme shows it; every text except the title may be empty."""

    position: int
    keys: tuple[int, ...]  # it is shown with any of these: its position, or those of variants
    is_first: bool  # in its block
    title: str
    url: str  # http or https, or empty
    summary: str
    byline: str
    kicker: str
    picture: Picture | None  # in the size of its place
    square: Picture | None
    credits: str  # caption and credit
    direction: str  # rtl or ltr: of its own text, whatever the issue's
    topic_query: str = ""  # of links for more or less of its topic; empty: it has none

    @property
    def is_usual(self) -> bool:
        """Whether it stands here in the issue as it is, not in a variant only."""
        return variants.is_usual(self.keys)


@dataclass(frozen=True, slots=True)
class Message:
    """An appeal, or what a sponsor says."""

    heading: str
    paragraphs: tuple[str, ...]
    button: str
    url: str
    label: str  # of a sponsor: "Sponsored" or what an editor wrote instead; may be empty
    picture: Picture | None = None
    picture_dark: Picture | None = None  # shown in dark mode instead
    is_plain: bool = False  # a line with a link instead of a card


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block as its template shows it; what its kind does not have is empty."""

    kind: str  # of BlockKind
    keys: tuple[int, ...]  # it is shown with any of these: those of its cards, or its own key
    anchor: str  # for links to it in the web version
    title: str
    style: str
    shown_in: str  # both, mail or web
    cards: tuple[Card, ...] = ()
    message: Message | None = None
    html: Markup = field(default_factory=Markup)  # rich text
    text: str = ""  # the same, in lines
    picture: Picture | None = None
    credits: str = ""
    answers: tuple[tuple[str, str], ...] = ()  # each with the link that gives it
    answers_are_counted: bool = False  # else the links write mails
    values: Mapping[str, str] = field(default_factory=dict)  # the other content: every key is there

    @property
    def template(self) -> str:
        """The name of its template in templates/mail/blocks: kinds with stories share one."""
        shares = self.kind in STORY_KINDS - {BlockKind.LEAD}
        return "stories" if shares else str(self.kind)


def block_views(
    issue: Issue,
    blocks: Sequence[Block],
    stories: Sequence[Story],
    targets: Targets,
    leads: Leads | None = None,
) -> Iterator[BlockView]:
    """Yield the visible blocks in order, without those that have nothing to show.

    Where `leads` are tested, a place has a card for each story that may stand there.
    """
    by_position = {story.position: story for story in stories}
    by_block = dict[int, list[Story]]()
    for story in sorted(stories, key=lambda story: story.position):
        by_block.setdefault(story.block.position, []).append(story)
    for block in sorted(blocks, key=lambda block: block.position):
        block_stories = by_block.get(block.position, []) if block.has_stories else []
        if _has_something(block, block_stories):
            places = [_occupants(leads, story, by_position) for story in block_stories]
            view = _view(issue, block, places, targets)
            if view.picture or block.kind != BlockKind.IMAGE:  # it may have been deleted
                yield view


def _has_something(block: Block, stories: Sequence[Story]) -> bool:
    if block.hidden or is_empty(block):
        return False
    if block.kind in MESSAGE_KINDS:
        return block.appeal is not None
    return bool(stories) or not block.has_stories


def _occupants(leads: Leads | None, story: Story, by_position: Mapping[int, Story]) -> Occupants:
    """Return the stories that may stand in a story's place, with the keys that show them."""
    occupants = variants.occupants(leads, story.position)
    return [(by_position[position], keys) for position, keys in occupants.items()]


def _view(issue: Issue, block: Block, places: Sequence[Occupants], targets: Targets) -> BlockView:
    heading = "" if block.kind == BlockKind.LEAD else line(block.title)
    language = language_of(issue.newsletter)
    place = targets.place(block)
    values = _values(block, place)
    html, text = _rich_text(issue, place, block, 3 if heading else 2)
    cards = tuple(
        _card(issue, targets.place(block, story, rank), story, heading, keys, is_first=number == 0)
        for number, occupants in enumerate(places)
        for rank, (story, keys) in enumerate(occupants)
    )
    return BlockView(
        kind=block.kind,
        keys=tuple(key for card in cards for key in card.keys) if cards else (block.key,),
        anchor=f"block-{block.position + 1}",
        title=heading,
        style=block.style,
        shown_in=_shown_in(block, targets),
        cards=cards,
        message=_message(block.appeal, language, place) if block.appeal else None,
        html=html,
        text=text,
        picture=_block_picture(issue, block, values),
        credits=_join_credits(values["caption"], values["credit"]),
        answers=tuple(_answers(issue, place, block, values["question"])),
        answers_are_counted=targets.is_counted,
        values=values,
    )


def _shown_in(block: Block, targets: Targets) -> str:
    """Return where a block is shown; an answer on the web would not be counted."""
    is_question = block.kind == BlockKind.FEEDBACK and targets.is_counted
    return ShownIn.MAIL if is_question and block.shown_in == ShownIn.BOTH else block.shown_in


_FRAMED = 482  # CSS px, of a picture in a frame: the column without its border and padding
_TEXT_KEYS = ("author", "role", "alt", "caption", "credit", "site", "duration", "media", "question")


def _values(block: Block, place: Place) -> dict[str, str]:
    content = block.content
    texts = {name: line(str(content.get(name) or "")) for name in _TEXT_KEYS}
    title = shortened(str(content.get("title") or ""), LONGEST_TITLE)
    return texts | {
        "url": place.link(mail_url(str(content.get("url") or "")), title or texts["alt"]),
        "title": title,
        "description": shortened(str(content.get("description") or ""), LONGEST_SUMMARY),
    }


def _rich_text(issue: Issue, place: Place, block: Block, level: int) -> tuple[Markup, str]:
    """Return a block's document as HTML, its highest headings of a level, and as lines of text."""
    document = cast("Document", block.content.get("document") or {})
    if not document.get("content"):
        return Markup(), ""
    base = direction(language_of(issue.newsletter))
    headings = [node for node in nodes(document) if node["type"] == "heading"]
    highest = min((node.get("attrs", {}).get("level", 2) for node in headings), default=2)

    def picture_of(uuid: str) -> Picture | None:
        return pictures.library_picture(issue.newsletter.publication_id, uuid, Size.WIDE)

    heading = level + 2 - highest
    html = rich_text.to_html(document, picture_of, place.link, base=base, heading=heading)
    return html, rich_text.to_text(document, place.link, base=base)


def _block_picture(issue: Issue, block: Block, values: Mapping[str, str]) -> Picture | None:
    uuid = block.content.get("picture")
    if not uuid:
        return None
    size, width = Size.LEAD, Size.WIDE.width
    if block.kind == BlockKind.NOTE:
        size = Size.PORTRAIT
    elif block.kind == BlockKind.IMAGE and block.content.get("shape") == "whole":
        size = Size.WIDE
    elif block.kind == BlockKind.LINK:
        width = _FRAMED
    alt = describe_picture(values["alt"], values["caption"], values["title"])
    publication_id = issue.newsletter.publication_id
    return pictures.library_picture(publication_id, str(uuid), size, alt, width=width)


def _answers(issue: Issue, place: Place, block: Block, question: str) -> Iterator[tuple[str, str]]:
    """Yield each answer with a link: one that is counted, or that writes a mail."""
    publication = issue.newsletter.publication
    address = publication.reply_to or publication.sender_email
    for answer in map(line, block.content.get("answers") or ()):
        subject = quote(f"{answer} ({question})")
        yield answer, place.answer(answer) or f"mailto:{quote(address, safe='@')}?subject={subject}"


def _card(
    issue: Issue,
    place: Place,
    story: Story,
    heading: str,
    keys: tuple[int, ...],
    *,
    is_first: bool,
) -> Card:
    title = shortened(story.title, LONGEST_TITLE)
    if not title:
        raise RenderingError(f"Story {story.position} has no title. Add one to its article.")
    caption, credit = line(story.image_caption), line(story.image_credit)
    alt = describe_picture(line(story.image_alt), caption, title)
    summary = shortened(story.summary, LONGEST_SUMMARY)
    language = language_of(issue.newsletter)
    is_lead = place.block is not None and place.block.kind == BlockKind.LEAD
    size = Size.LEAD if is_lead else Size.CARD
    return Card(
        position=story.position,
        keys=keys,
        is_first=is_first,
        title=title,
        url=place.link(mail_url(story.url), title),
        summary=summary,
        byline=_byline(issue, story),
        kicker=_label(line(story.kicker), heading),
        picture=pictures.story_picture(story, size, alt),
        square=pictures.story_picture(story, Size.SQUARE, alt),
        credits=_join_credits(caption, credit),
        direction=text_direction(f"{title} {summary}", direction(language)),
        topic_query=_topic_query(issue, story),
    )


def _topic_query(issue: Issue, story: Story) -> str:
    if not story.topics or issue.newsletter.topic_links != TopicLinks.STORIES:
        return ""
    return topic_query(issue.newsletter, story.topics[0])


def _byline(issue: Issue, story: Story) -> str:
    """Return who wrote a story, and how long reading it takes where the newsletter says so."""
    language = language_of(issue.newsletter)
    minutes = reading_time.minutes(story.word_count) if issue.newsletter.reading_time else 0
    parts = (byline(line(story.byline), language), _reading_time(minutes, language))
    return " · ".join(filter(None, parts))


def _reading_time(minutes: int, language: str) -> str:
    if not minutes:
        return ""
    if languages.primary(language) not in languages.NAMES:
        return f"{minutes} min"
    with languages.override(language):
        return _("%(minutes)s min read") % {"minutes": minutes}


def byline(names: str, language: str) -> str:
    """Return a byline that says "By" in the newsletter's language, if Digest has texts in it."""
    if not names or _HAS_BY.match(names) or languages.primary(language) not in languages.NAMES:
        return names
    with languages.override(language):
        return _("By %(names)s") % {"names": isolate_name(names, direction(language))}


def _label(kicker: str, heading: str) -> str:
    """Return a card's label, unless it repeats the heading above it."""
    return "" if kicker.casefold() == heading.casefold() else kicker


def _join_credits(caption: str, credit: str) -> str:
    """Return caption and credit; after a full sentence they need no separator."""
    separator = " " if caption.endswith((".", "!", "?", "。")) else " · "
    if caption and credit and text_direction(caption) != text_direction(credit):
        caption, credit = isolate(caption), isolate(credit)
    return separator.join(part for part in (caption, credit) if part)


def _message(appeal: Appeal, language: str, place: Place) -> Message:
    publication = line(place.targets.issue.newsletter.publication.name)
    with languages.override(language):
        heading = _("A message from %(publication)s") % {"publication": publication}
    heading = line(appeal.heading) or heading
    return Message(
        heading=heading,
        paragraphs=tuple(paragraphs(appeal.body)),
        button=line(appeal.button),
        url=place.link(mail_url(appeal.url), line(appeal.button) or heading),
        label=line(appeal.label),
        picture=_message_picture(appeal, appeal.picture),
        picture_dark=_message_picture(appeal, appeal.picture_dark),
        is_plain=appeal.style == Appeal.Style.LINK,
    )


def _message_picture(appeal: Appeal, uuid: UUID | None) -> Picture | None:
    if uuid is None:
        return None
    alt = describe_picture(line(appeal.picture_alt), "", appeal.heading)
    return pictures.library_picture(appeal.publication_id, str(uuid), Size.WIDE, alt, width=_FRAMED)
