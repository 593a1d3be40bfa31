"""What is in the paper: its stories and its particulars, read from the files beside this one.

A story's `hours` says when it appears, counted from the moment the paper was first set up: most
are out already (negative), the rest come while it runs. A story without `hours` bears no date, as
happens in real feeds, and is always out. Its `views` stand in for the site's analytics: how often
the page was opened, so that something is popular from the first minute.
"""

import tomllib
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from digest.embedded.errors import EmbeddedError

FOLDER = Path(__file__).parent
PUBLICATION = "saltmarsh-courier"  # its slug, once set up
NEWSLETTER = "morning-tide"


class Appeal(NamedTuple):
    """What the paper asks of its subscribers."""

    heading: str
    body: str
    button: str
    url: str


class Particulars(NamedTuple):
    """The paper itself."""

    name: str
    tagline: str
    description: str
    postal_address: str
    accent: str
    accent_dark: str
    language: str
    timezone: str
    appeal: Appeal


class Story(NamedTuple):
    """A story as it stands in its file; `body` is HTML of the paper's own making."""

    slug: str
    title: str
    summary: str
    byline: str
    section: str
    tags: tuple[str, ...]
    hours: float | None
    views: int
    image: str  # a file in images/, or empty
    image_alt: str
    image_caption: str
    image_credit: str
    body: str

    def appears_at(self, since: datetime) -> datetime | None:
        """Return when the story appears in a paper set up at `since`; None if it is undated."""
        return None if self.hours is None else since + timedelta(hours=self.hours)


@cache
def particulars() -> Particulars:
    """Return the paper's name, colours and so on."""
    data = _read(FOLDER / "publication.toml")
    appeal = Appeal(**{name: data["appeal"][name] for name in Appeal._fields})
    plain = {name: data[name] for name in Particulars._fields if name != "appeal"}
    return Particulars(**plain, appeal=appeal)


@cache
def stories() -> tuple[Story, ...]:
    """Return every story, the latest first."""
    all_stories = [_story(path) for path in (FOLDER / "stories").glob("*.toml")]
    return tuple(sorted(all_stories, key=_latest_first))


def published(since: datetime, now: datetime) -> list[Story]:
    """Return the stories that are out at `now`, the latest first."""
    return [story for story in stories() if (story.appears_at(since) or now) <= now]


def image(name: str) -> bytes | None:
    """Return a picture's bytes, or None where the paper has no such picture."""
    paths = {path.name: path for path in (FOLDER / "images").iterdir()}
    return paths[name].read_bytes() if name in paths else None


def _story(path: Path) -> Story:
    data = _read(path)
    fields: dict[str, Any] = {name: data.get(name, "") for name in Story._fields}
    fields["tags"] = tuple(data.get("tags", ()))
    fields["hours"] = data.get("hours")
    fields["views"] = data.get("views", 0)
    return Story(**fields)


def _latest_first(story: Story) -> tuple[bool, float, str]:
    return story.hours is None, -(story.hours or 0), story.slug


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as cause:
        raise EmbeddedError(f"The sample is incomplete: {path.name}: {cause}") from cause


def count_words(html: str) -> int:
    """Count the words of a body, roughly; for "4 min read"."""
    return len(unescape(html).split())
