"""A subscriber's mail out of a compiled issue, beside one run of premailer over the same document.

Both sides are timed in turns within one process, so the machine's mood hits both; medians count.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.rendering.compiled import Compiled, Recipient

ROUNDS = 15
SUBSCRIBERS = 200  # in a round
CHOICES = 5  # of stories and blocks, among subscribers
TARGET = 200  # premailer takes at least this many times as long


def main() -> None:
    """Time an issue of fourteen blocks on both sides, and print the ratio of the medians."""
    _set_up()
    from premailer import Premailer

    from digest.rendering import inlining
    from digest.rendering.compiled import Recipient

    compiled, document, choices = _sample()
    subscriber = Recipient(
        email="ines@reader.example",
        name="Inés Carrasco",
        unsubscribe_url="https://digest.example/unsubscribe/AbCdEfGhIjKlMnOpQrStUvWxYz",
        preferences_url="https://digest.example/preferences/AbCdEfGhIjKlMnOpQrStUvWxYz",
        message_id="7.42.a1b2@courier.example",
        date=datetime(2026, 11, 23, 7, tzinfo=UTC),
    )
    subscribers = [
        replace(subscriber, email=f"subscriber{n}@reader.example") for n in range(SUBSCRIBERS)
    ]
    transforming, cached, mailing = [], [], []
    for _ in range(ROUNDS):
        transforming.append(
            _seconds(lambda: Premailer(document, **inlining._OPTIONS).transform(pretty_print=False))  # noqa: SLF001
        )
        cached.append(_seconds(lambda: inlining.inline(document)))
        mailing.append(_seconds(lambda: _mails(compiled, subscribers, choices)) / SUBSCRIBERS)

    once, mail_seconds = median(transforming), median(mailing)
    size = len(compiled.message(subscriber)) / 1000
    print(f"premailer, a document of {len(document) / 1000:.0f} KB  {once * 1e3:9.3f} ms")
    print(f"our inlining, which keeps the style sheet {median(cached) * 1e3:6.3f} ms")
    print(f"a subscriber's mail of {size:.0f} KB         {mail_seconds * 1e3:9.3f} ms")
    print(f"ratio: 1/{once / mail_seconds:.0f}  (target: at most 1/{TARGET})")


def _mails(
    compiled: "Compiled", subscribers: "list[Recipient]", choices: list[frozenset[int]]
) -> list[bytes]:
    """Return each subscriber's mail, with the stories and blocks of one of the choices."""
    return [
        compiled.message(subscriber, keys=choices[number % len(choices)])
        for number, subscriber in enumerate(subscribers)
    ]


def _set_up() -> None:
    """Give Django what it asks for; nothing here connects to anything."""
    for name, value in (
        ("DJANGO_SETTINGS_MODULE", "digest.settings"),
        ("DIGEST_SECRET_KEY", "a key for measuring, which signs nothing of worth"),
        ("DIGEST_DATABASE_URL", "postgresql:///none"),
        ("DIGEST_REDIS_URL", "redis://localhost"),
    ):
        os.environ.setdefault(name, value)
    import django

    django.setup()


def _sample() -> "tuple[Compiled, str, list[frozenset[int]]]":
    """Return an issue with each kind of block, its HTML before inlining, and choices of keys."""
    from tests.rendering.quality.issues import samples

    [sample] = [sample for sample in samples() if sample.name == "picture-all-blocks"]
    stories = [story.position for story in sample.stories]
    blocks = [block.key for block in sample.blocks]
    choices = [frozenset([*stories[n:], *blocks[n:]]) for n in range(CHOICES)]
    return sample.compile(), sample.document(), choices


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
