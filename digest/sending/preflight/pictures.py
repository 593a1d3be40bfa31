"""Checks of stories' pictures: a description for those who do not see them, and their format."""

import re
from collections.abc import Iterator
from dataclasses import replace

from digest.core.alt_text import describe_picture
from digest.core.text import counted
from digest.issues.models import Story
from digest.pictures.models import Picture
from digest.sending.preflight.material import Material, place_of
from digest.sending.preflight.results import Finding, Level, PassedCheck, named

CHECK = "pictures"
_FORMAT_PARAMETER = r"[?&;](?:fm|format|f|type|ext|output)=(?:image/)?"
_FORMATS = [
    (
        "WebP or AVIF",
        "Classic Outlook for Windows",
        re.compile(
            rf"\.(?:webp|avif)(?:[?#]|\Z)|{_FORMAT_PARAMETER}(?:webp|avif)\b|[,/]f_(?:webp|avif)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "SVG",
        "Gmail and Outlook",
        re.compile(rf"\.svgz?(?:[?#]|\Z)|{_FORMAT_PARAMETER}svg\b", re.IGNORECASE),
    ),
]


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what is wrong with the pictures, by their descriptions and addresses."""
    illustrated = [story for story in material.stories if story.image_url or story.picture]
    findings = [*_descriptions(illustrated), *_formats(illustrated), *_refused(illustrated)]
    yield from findings
    if illustrated and not findings:
        yield PassedCheck(CHECK, f"{counted(len(illustrated), 'picture')}, with descriptions")


def _descriptions(stories: list[Story]) -> Iterator[Finding]:
    missing = [row for row in stories if not _description(row)]
    if missing:
        verb = "has" if len(missing) == 1 else "have"
        yield Finding(
            CHECK,
            Level.WARN,
            f"{counted(len(missing), 'picture')} {verb} no description.",
            "Describe what it shows: screen readers read it, and mail programs that block "
            "pictures show it instead.",
            tuple(map(place_of, missing)),
            fix="image_alt",
        )


def _description(story: Story) -> str:
    return describe_picture(story.image_alt, story.image_caption, story.title)


def _formats(stories: list[Story]) -> Iterator[Finding]:
    """Name the pictures that some mail programs cannot show, by the format in their address.

    Those that we serve ourselves are JPEG or PNG, whatever came in.
    """
    linked = [story for story in stories if not (story.picture and story.picture.is_ready)]
    for formats, clients, pattern in _FORMATS:
        places = [place_of(story) for story in linked if pattern.search(story.image_url)]
        if places:
            yield Finding(
                CHECK,
                Level.WARN,
                f"{clients} cannot show pictures in {formats}, as those of {named(places)}.",
                "Use a JPEG or PNG if it matters; the description is shown instead.",
                tuple(places),
            )


def _refused(stories: list[Story]) -> Iterator[Finding]:
    """Name the pictures that are left out: missing, not a picture, or too small."""
    places = [
        replace(place_of(story), detail=story.picture.problem)
        for story in stories
        if story.picture and story.picture.state == Picture.State.REFUSED
    ]
    if places:
        text = f"{counted(len(places), 'picture')} cannot be used and will be left out."
        yield Finding(CHECK, Level.WARN, text, "Choose another picture.", tuple(places))
