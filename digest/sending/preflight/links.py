"""Requests every link and picture of an issue once, as a subscriber would."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from digest.core import http, rich_text
from digest.core.http import FetchError
from digest.core.rich_text.document import nodes
from digest.core.text import counted
from digest.issues.models import Block
from digest.sending.preflight.material import Material, document_of, place_of, place_of_block
from digest.sending.preflight.results import Finding, Level, PassedCheck, Place

CHECK = "links"
PARALLEL = 8  # requests at once


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield the addresses that do not work, each with the reason."""
    places = _addresses(material)
    with ThreadPoolExecutor(PARALLEL) as pool:
        problems = zip(places.values(), pool.map(_problem, places), strict=True)
        broken = [
            replace(place, detail=f"{place.detail}: {problem}")
            for place, problem in problems
            if problem
        ]
    if broken:
        number = counted(len(broken), "link or picture does", "links or pictures do")
        advice = "Correct the address, or remove it."
        yield Finding(CHECK, Level.WARN, f"{number} not work.", advice, tuple(broken))
    elif places:
        yield PassedCheck(CHECK, f"{len(places):,} checked")


def _addresses(material: Material) -> dict[str, Place]:
    """Return every address of the issue with the first place that has it."""
    places: dict[str, Place] = {}
    for story in material.stories:
        place = place_of(story)
        places.setdefault(story.url, replace(place, detail="link"))
        places.setdefault(story.image_url, replace(place, detail="picture"))
    places.setdefault(material.publication.logo_url, Place("", "Logo", detail="picture"))
    logo = Place("", "Logo in dark mode", detail="picture")
    places.setdefault(material.publication.logo_dark_url, logo)
    for block in material.blocks:
        place = replace(place_of_block(block), detail="link")
        for url in _block_links(block):
            places.setdefault(url, place)
    places.pop("", None)
    return places


def _block_links(block: Block) -> Iterator[str]:
    yield block.content.get("url", "")
    if block.appeal:
        yield block.appeal.url
    if document := document_of(block):
        yield from _document_links(document)


def _document_links(document: rich_text.Document) -> Iterator[str]:
    """Yield the web links of a rich text; an address to write to is not requested."""
    for node in nodes(document):
        for mark in node.get("marks", ()):
            href = mark["attrs"]["href"] if mark["type"] == "link" else ""
            if href.startswith("http"):
                yield href


def _problem(url: str) -> str:
    try:
        http.fetch(url)
    except http.TooLargeError:
        return ""  # it exists
    except FetchError as problem:
        return str(problem)
    return ""
