"""The links of an issue's mail that lead through Digest: collected while the mail is rendered.

Such a link stands in the rendered document as a mark, like a slot (`digest.rendering.cutting`).
When both parts are rendered, the links are stored and their addresses replace the marks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

from digest.core import links
from digest.issues.models import Block, Issue, Story, TrackedLink
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Tracking
from digest.rendering.blocks.phishing import is_address

_DIGITS = 60  # makes a mark as long as an address: neither has room on a line beside other text


class Store(Protocol):
    """Stores the links of an issue and returns them with their ids, in the same order."""

    def __call__(self, issue: Issue, links: Sequence[TrackedLink], /) -> Sequence[TrackedLink]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where links stand: in an issue's block, or in one of its stories."""

    targets: "Targets"
    block: Block | None = None
    story: Story | None = None
    rank: int = 0  # above 0: an experiment shows it instead of the story before it

    def link(self, url: str, label: str = "") -> str:
        """Return what the document has as the link: a mark, or the address itself.

        A text that is an address leads straight there: filters take anything else for deception.
        """
        is_web = url.startswith(("http://", "https://"))
        return self.targets.link(self, url, label) if is_web and not is_address(label) else url

    def answer(self, answer: str) -> str:
        """Return the link that gives an answer, or nothing where none is counted, as on the web."""
        targets, is_web = self.targets, self.block and self.block.shown_in == ShownIn.WEB
        if is_web or not targets.is_counted:
            return ""
        return targets.link(self, answer, answer, TrackedLink.Kind.ANSWER)


class Targets:
    """The links of one issue's mail; without a `store` every link is direct, as in a preview."""

    def __init__(self, issue: Issue, store: Store | None = None) -> None:
        tracking = issue.newsletter.publication.tracking if store else Tracking.NONE
        self.issue = issue
        self.store = store
        self.nonce = f"x{token_hex(16)}"  # also of the marks of the document
        self.is_counted = tracking != Tracking.NONE
        self.names_subscribers = tracking == Tracking.INDIVIDUAL
        self.counts_opens = self.is_counted and issue.newsletter.publication.track_opens
        self.rows: list[TrackedLink] = []
        self._numbers: dict[tuple[int | None, int | None, str, str], int] = {}
        self._position = 0  # in the mail, of the next link

    def place(self, block: Block | None = None, story: Story | None = None, rank: int = 0) -> Place:
        """Return a place in the mail, for its links."""
        return Place(self, block, story, rank)

    def link(self, place: Place, url: str, label: str, kind: str = TrackedLink.Kind.LINK) -> str:
        """Return a mark for a link that is tracked, `url` for another."""
        if not self._tracks(place):
            return url
        block, story = place.block, place.story
        key = (
            block.position if block else None,
            story.position if story else None,
            kind,
            url,
        )
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            position = max(self._position - 1, 0) if place.rank else self._position
            self._position = position + 1
            self.rows.append(
                TrackedLink(
                    issue=self.issue,
                    block=block,
                    story=story,
                    article_id=story.article_id if story else None,
                    appeal_id=block.appeal_id if block else None,
                    kind=kind,
                    position=position,
                    url=url,
                    label=label[:300],
                )
            )
        return f"{self.nonce}L{self._numbers[key]:0{_DIGITS}}Z"

    def trap(self, url: str) -> str:
        """Return the hidden link, or nothing where nothing is counted."""
        trap = TrackedLink.Kind.TRAP
        return self.link(self.place(), url, "", trap) if self.is_counted and url else ""

    def pixel(self) -> str:
        """Return the address of the pixel, without what follows its token; or nothing."""
        return links.open_url(self.issue) if self.counts_opens else ""

    def addresses(self) -> list[str]:
        """Store the links; return the address of each, which goes where its mark is."""
        if not (self.store and self.rows):
            return []
        rows = self.store(self.issue, self.rows)
        return [links.click_url(self.issue, row) for row in rows]

    def _tracks(self, place: Place) -> bool:
        if self.is_counted:
            return True
        redirects = self.issue.newsletter.redirect_links and place.story is not None
        return bool(self.store and redirects)


AddressOf = Callable[[str, str], str]  # of a link and its label: what the document has as the link


def direct(url: str, _label: str) -> str:
    """Return the link as it is."""
    return url
