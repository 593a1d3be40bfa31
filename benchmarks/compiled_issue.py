"""A subscriber's mail out of a compiled issue, beside one run of premailer over the same document.

The same issue again with links that are counted for each subscriber: a token behind each of them.

Both sides are timed in turns within one process, so the machine's mood hits both; medians count.
"""

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks._django import seconds_of, set_up_alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from digest.issues.models import Issue, TrackedLink
    from digest.rendering.compiled import Compiled, Recipient
    from tests.rendering.quality.issues import Sample

ROUNDS = 15
SUBSCRIBERS = 200  # in a round
CHOICES = 5  # of stories and blocks, among subscribers
_UUID = UUID(int=7)
TARGET = 200  # premailer takes at least this many times as long


def main() -> None:
    """Time an issue of fourteen blocks on both sides, and print the ratio of the medians."""
    set_up_alone()
    from digest.rendering.inlining import inline
    from tests.rendering.mails import INES

    compiled, document, choices = _sample()
    subscribers = [replace(INES, email=f"subscriber{n}@reader.example") for n in range(SUBSCRIBERS)]
    tracked = _tracked()
    transforming, cached, mailing, tracking = [], [], [], []
    for _ in range(ROUNDS):
        transforming.append(seconds_of(lambda: _transform(document)))
        cached.append(seconds_of(lambda: inline(document)))
        mailing.append(seconds_of(lambda: _mails(compiled, subscribers, choices)) / SUBSCRIBERS)
        tracking.append(
            seconds_of(lambda: _mails(tracked, _with_tokens(subscribers), choices)) / SUBSCRIBERS
        )

    compiling, mail_seconds = median(transforming), median(mailing)
    size = len(compiled.message(INES)) / 1000
    print(f"premailer, a document of {len(document) / 1000:.0f} KB  {compiling * 1e3:9.3f} ms")
    print(f"our inlining, which keeps the style sheet {median(cached) * 1e3:6.3f} ms")
    print(f"a subscriber's mail of {size:.0f} KB         {mail_seconds * 1e3:9.3f} ms")
    print(
        f"the same, tracked links           {median(tracking) * 1e3:9.3f} ms, "
        f"{median(tracking) / mail_seconds:.2f} times as long"
    )
    print(f"ratio: 1/{compiling / mail_seconds:.0f}  (target: at most 1/{TARGET})")


def _transform(document: str) -> str:
    """Return what premailer alone makes of a document."""
    from premailer import Premailer

    from digest.rendering import inlining

    return str(Premailer(document, **inlining._OPTIONS).transform(pretty_print=False))  # noqa: SLF001


def _mails(
    compiled: "Compiled", subscribers: "Iterable[Recipient]", choices: list[frozenset[int]]
) -> list[bytes]:
    """Return each subscriber's mail, with the stories and blocks of one of the choices."""
    return [
        compiled.message(subscriber, keys=choices[number % len(choices)])
        for number, subscriber in enumerate(subscribers)
    ]


def _with_tokens(subscribers: "Iterable[Recipient]") -> "Iterator[Recipient]":
    """Yield subscribers with the token of their links, made as the sender makes it."""
    from digest.core.links import Row
    from digest.core.links.mail import MailLinks

    rows = [Row(number, _UUID) for number in range(SUBSCRIBERS)]
    tokens = MailLinks(*rows[:3])  # of an issue, a newsletter and a publication
    for row, subscriber in zip(rows, subscribers, strict=True):
        yield replace(subscriber, click=f"/{tokens.clicker_token(row)}")


def _tracked() -> "Compiled":
    """Return the issue with counted links, which have ids as if they were stored."""
    sample = _all_blocks()
    sample.issue.pk, sample.issue.uuid = 1, _UUID
    sample.issue.newsletter.publication.tracking = "individual"

    def number_links(_: "Issue", rows: "Sequence[TrackedLink]") -> "Sequence[TrackedLink]":
        for number, row in enumerate(rows, start=1):
            row.pk, row.uuid = number, _UUID
        return rows

    return sample.compile(number_links)


def _sample() -> "tuple[Compiled, str, list[frozenset[int]]]":
    """Return an issue with each kind of block, its HTML before inlining, and choices of keys."""
    sample = _all_blocks()
    stories = [story.position for story in sample.stories]
    blocks = [block.key for block in sample.blocks]
    choices = [frozenset([*stories[n:], *blocks[n:]]) for n in range(CHOICES)]
    return sample.compile(), sample.document(), choices


def _all_blocks() -> "Sample":
    from tests.rendering.quality.issues import samples

    [sample] = [sample for sample in samples() if sample.name == "picture-all-blocks"]
    return sample


if __name__ == "__main__":
    main()
