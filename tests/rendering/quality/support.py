"""What mail clients support of a mail's HTML and CSS, by the data of Can I email.

A feature that a client of these lacks has to be in HARMLESS, with what happens there instead.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lxml import html
from lxml.html import HtmlElement

DATA = json.loads(Path(__file__).with_name("caniemail.json").read_text())
FEATURES: dict[str, str] = DATA["features"]
CLIENTS: list[str] = DATA["clients"]

HARMLESS = {
    "css-at-media": "columns are fluid: they stack without it",
    "css-at-media-prefers-color-scheme": "such a client shows the light colours, or inverts them",
    "css-color-scheme": "a hint only",
    "css-border-radius": "corners are square",
    "css-display-none": "mso-hide and max-height hide the preheader too",
    "css-max-height": "display:none hides the preheader too",
    "css-overflow": "display:none hides the preheader too",
    "css-overflow-wrap": "word-break does the same",
    "css-word-break": "overflow-wrap does the same; else a long word widens the mail",
    "css-height": "heights are attributes too, or do not matter",
    "css-important": "only overrides need it",
    "css-outline": "a reset only",
    "css-pseudo-class-hover": "no underline while hovering",
    "css-selector-attribute": "only overrides need it",
    "html-style": "what matters is inline",
    "html-bdi": "dir on the element around it; the bidi algorithm decides the rest",
    "html-role": "a screen reader takes the tables for data",
    "html-lang": "html and an element inside body have it",
    "html-dir": "html, an element inside body and every table have it",
    "html-aria-label": "the title says the same",
    "html-aria-hidden": "a picture's link is read besides its headline's",
    "html-body": "the wrapper has the same colours",
}


class Gap(NamedTuple):
    """A feature that a mail uses and a client lacks."""

    feature: str
    clients: tuple[str, ...]


def gaps(document: str) -> list[Gap]:
    """Return what some client does not support of a mail, as a whole (`n`)."""
    features = sorted(set(used_features(document)) & FEATURES.keys())
    return [Gap(feature, lacking) for feature in features if (lacking := _lacking(feature))]


def used_features(document: str) -> Iterator[str]:
    """Yield the names of Can I email's features that a mail uses, some of them several times."""
    root = html.document_fromstring(document)
    for element in root.iter("*"):
        if isinstance(element.tag, str):
            yield from _element_features(element)
    for style in root.iter("style"):
        yield from _sheet_features(style.text or "")


def _lacking(feature: str) -> tuple[str, ...]:
    marks = zip(CLIENTS, FEATURES[feature], strict=True)
    return tuple(client for client, mark in marks if mark == "n")


def _element_features(element: HtmlElement) -> Iterator[str]:
    yield "html-h1-h6" if re.fullmatch("h[1-6]", element.tag) else f"html-{element.tag}"
    if element.tag in {"ul", "ol", "li"}:
        yield "html-lists"
    yield from (f"html-{name}" for name in element.attrib)
    yield from _declared(element.get("style") or "")


def _declared(style: str) -> Iterator[str]:
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        yield f"css-{name.lower()}"
        yield from (
            f"css-{name.lower()}-{keyword}" for keyword in value.split() if keyword.isalpha()
        )
        yield from (f"css-unit-{unit}" for unit in re.findall(r"\d(px|em|rem|pt|vw|vh)\b", value))
        if "%" in value:
            yield "css-unit-percent"


def _sheet_features(sheet: str) -> Iterator[str]:
    if "@media" in sheet:
        yield "css-at-media"
    if "prefers-color-scheme" in sheet:
        yield "css-at-media-prefers-color-scheme"
    if "!important" in sheet:
        yield "css-important"
    yield from (f"css-pseudo-class-{name}" for name in re.findall(r":(hover|focus|not)\b", sheet))
    if re.search(r"\[[a-z-]+\]", sheet):
        yield "css-selector-attribute"
    for block in re.findall(r"\{([^{}]*)\}", sheet):
        yield from _declared(block.replace("!important", ""))
