"""Thirty issues that differ as those of real newsrooms do: languages, designs, blocks, length."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from unittest.mock import patch

from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import Design
from digest.newsletters.models import Appeal
from digest.pictures.sizes import Size
from digest.rendering import environment
from digest.rendering.blocks import pictures
from digest.rendering.compiled import Compiled
from digest.rendering.content import content_of
from digest.rendering.cutting import Marks
from digest.rendering.issue import compile_issue
from digest.rendering.targets import Store
from digest.rendering.themes.branding import publication_theme
from tests.rendering import mails
from tests.rendering.quality import texts
from tests.rendering.quality.texts import Text

PICTURE = "https://img.example/{}.jpg"


class Sample(NamedTuple):
    """An issue by its name, with its blocks and stories; nothing of it is saved."""

    name: str
    issue: Issue
    blocks: list[Block]
    stories: list[Story]

    def compile(self, store: Store | None = None) -> Compiled:
        """Compile it, with tracked links where there is a store for them."""
        with patch("digest.rendering.blocks.pictures.library_picture", _picture):
            return compile_issue(self.issue, self.blocks, self.stories, store)

    def document(self) -> str:
        """Return its HTML as it is before inlining, with marks where it would be cut."""
        with patch("digest.rendering.blocks.pictures.library_picture", _picture):
            content = content_of(self.issue, self.blocks, self.stories)
        values = {
            "content": content,
            "theme": publication_theme(self.issue.newsletter.publication, content.direction),
            "design": self.issue.newsletter.design,
            "subject": self.name,
            "preheader": "",
            "marks": Marks("html"),
        }
        return environment.render("issue.html.j2", values, content.language)


def _picture(
    _publication: int, uuid: str, size: Size, alt: str = "", *, width: int = 0
) -> pictures.Picture:
    """A picture of the library, which is in no database here."""
    css_width = min(width or size.width, size.width)
    height = (size.height or size.width * 9 // 16) * css_width // size.width
    return pictures.Picture(
        f"https://img.example/{uuid}-{size.name.lower()}.jpg", css_width, height, alt
    )


def samples() -> list[Sample]:
    """Return the thirty issues."""
    return [*_designs(), *_languages(), *_lengths(), *_themes(), *_extremes()]


def in_each_design() -> Iterator[Sample]:
    """Yield the thirty issues in each of the three designs; compile one before the next."""
    for design in Design.values:
        for sample in samples():
            sample.issue.newsletter.design = design
            yield sample._replace(name=f"{sample.name}, {design}")


def _designs() -> list[Sample]:
    return [
        _sample(f"{design}-{name}", blocks, newsletter={"design": design})
        for design in ("picture", "briefing", "compact")
        for name, blocks in (("stories", _stories(texts.ENGLISH)), ("all-blocks", _every_block()))
    ]


def _languages() -> list[Sample]:
    plain = [
        _sample(f"language-{language}", _stories(bank * 2), newsletter={"language": language})
        for language, bank in texts.BANKS.items()
        if language != "en"
    ]
    mixed = [*texts.ENGLISH[:3], *texts.HEBREW, *texts.BANKS["ar"], *texts.BANKS["ja"]]
    return [
        *plain,
        _sample("mixed-scripts-ltr", _stories(mixed)),
        _sample("mixed-scripts-rtl", _stories(mixed[::-1]), newsletter={"language": "he"}),
        _sample("all-blocks-rtl", _every_block(texts.HEBREW), newsletter={"language": "he"}),
    ]


def _lengths() -> list[Sample]:
    long = [*texts.ENGLISH, *texts.BANKS["de"], *texts.BANKS["fr"]] * 2
    return [
        _sample("single-story", _stories(texts.ENGLISH[:1])),
        _sample("no-pictures", _stories(texts.ENGLISH[:6], pictures=False)),
        _sample("long", _stories(long)),
        _sample(
            "brief-lists",
            [
                _block("lead", texts.ENGLISH[:1]),
                _block("latest", texts.ENGLISH[1:], "In brief", style="brief"),
            ],
        ),
        _sample("note-only", [_note()]),
    ]


def _themes() -> list[Sample]:
    themes: list[dict[str, Any]] = [
        {"accent": "#ffe14d", "accent_dark": "#ffe14d", "background": "tinted", "fonts": "book"},
        {
            "accent": "#8a0f1f",
            "accent_dark": "#ff9aa5",
            "background": "white",
            "fonts": "modern",
            "corner": "square",
            "density": "compact",
        },
        {"accent": "#0a7d4f", "accent_dark": "#0a7d4f", "logo_url": "https://img.example/logo.png"},
    ]
    return [
        _sample(f"theme-{n}", _every_block(), publication=theme) for n, theme in enumerate(themes)
    ]


def _extremes() -> list[Sample]:
    odd = Text(
        "<b>Bold</b> & “quoted” {{ 7 * 7 }} " + "long " * 40, "x" * 700, "By \u202eevil", "K" * 90
    )
    return [
        _sample("odd-texts", _stories([odd, odd, odd])),
        _sample("same-name", _stories(texts.ENGLISH[:4]), publication={"name": "The Morning Tide"}),
        _sample("unlisted", _stories(texts.ENGLISH[:4]), newsletter={"state": "private"}),
    ]


def _sample(name: str, drafts: Sequence[tuple[Block, list[Story]]], **fields: Any) -> Sample:
    """Number blocks and stories through the whole issue."""
    blocks, stories = list[Block](), list[Story]()
    for place, (block, block_stories) in enumerate(drafts):
        block.position = place
        blocks.append(block)
        for story in block_stories:
            story.position = len(stories)
            stories.append(story)
    publication = {
        "reply_to": "desk@courier.example",
        "tagline": "News from the coast, every morning",
    } | fields.pop("publication", {})
    return Sample(name, mails.issue(publication=publication, **fields), blocks, stories)


def _stories(bank: Sequence[Text], *, pictures: bool = True) -> list[tuple[Block, list[Story]]]:
    half = 1 + (len(bank) - 1) // 2
    drafts = [_block("lead", bank[:1], pictures=pictures)]
    drafts += [_block("latest", bank[1:half], "Latest", pictures=pictures)] if bank[1:half] else []
    return drafts + (
        [_block("topic", bank[half:], bank[half].kicker, pictures=pictures)] if bank[half:] else []
    )


def _every_block(bank: Sequence[Text] = texts.ENGLISH) -> list[tuple[Block, list[Story]]]:
    """Return one block of each kind."""
    tail = bank[1:] or bank
    letters = _document("Your letters on the ferry filled two bags.")
    return [
        _note(),
        _block("lead", bank[:1]),
        _block("latest", tail[:3], "Latest"),
        _block("appeal", appeal=mails.appeal()),
        _block("topic", tail[3:5] or tail[:1], "Nature"),
        _block("sponsor", appeal=_sponsor()),
        _block("popular", tail[5:8] or tail[:2], "Most read", style="brief"),
        _block("deep", tail[8:9] or tail[:1], "Read to the end", style="brief"),
        _block("divider"),
        _block("picked", tail[9:] or tail[:1], "Weekend"),
        _block("text", title="Letters", content={"document": letters}),
        _block("link", content=texts.CONTENTS["link"]),
        _block("image", title="Picture of the day", content=texts.CONTENTS["image"]),
        _block("media", content=texts.CONTENTS["media"]),
        _block("feedback", content=texts.CONTENTS["feedback"]),
    ]


def _block(
    kind: str,
    bank: Sequence[Text] = (),
    title: str = "",
    *,
    pictures: bool = True,
    style: str = "",
    content: dict[str, Any] | None = None,
    appeal: Appeal | None = None,
) -> tuple[Block, list[Story]]:
    block = Block(kind=kind, title=title, style=style, content=content or {}, appeal=appeal)
    return block, [_story(block, n, text, pictures=pictures) for n, text in enumerate(bank)]


def _story(block: Block, number: int, text: Text, *, pictures: bool) -> Story:
    picture = PICTURE.format(f"{len(text.title)}-{number}") if pictures and number != 1 else ""
    return Story(
        block=block,
        url=f"https://courier.example/{len(text.title)}-{number}",
        image_url=picture,
        image_alt="The harbour at dusk" if picture and number == 0 else "",
        image_caption="The wall on Monday evening." if number == 0 else "",
        image_credit="Photo: A. Marsh" if number == 0 else "",
        **text._asdict(),
    )


def _note() -> tuple[Block, list[Story]]:
    document = _document(
        "Good morning. The water is back where it belongs, and so are we.",
        "Today we look at who decided what in the night of the flood, and at a bakery that would "
        "not close.",
    )
    content = {"document": document} | texts.CONTENTS["note"]
    return _block("note", content=content)


def _document(*paragraphs: str) -> dict[str, Any]:
    paragraphs_ = [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in paragraphs
    ]
    return {"type": "doc", "content": paragraphs_}


def _sponsor() -> Appeal:
    return mails.appeal(
        kind="sponsor",
        label="Sponsored",
        heading="Marsh & Sons, boat builders since 1871",
        body="Visit our open yard on Saturday.",
        button="Plan your visit",
        url="https://boats.example/",
    )
