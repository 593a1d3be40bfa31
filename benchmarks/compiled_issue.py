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
    from digest.rendering.compiled import Compiled

ROUNDS = 15
SUBSCRIBERS = 200  # in a round
TARGET = 200  # premailer takes at least this many times as long


def main() -> None:
    """Time an issue of ten stories on both sides, and print the ratio of the medians."""
    _set_up()
    from digest.rendering.compiled import Recipient
    from digest.rendering.inlining import inline

    compiled, document = _sample()
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
    inlining, mailing = [], []
    for _ in range(ROUNDS):
        inlining.append(_seconds(lambda: inline(document)))
        mailing.append(
            _seconds(lambda: [compiled.message(subscriber) for subscriber in subscribers])
            / SUBSCRIBERS
        )

    once, mail_seconds = median(inlining), median(mailing)
    size = len(compiled.message(subscriber)) / 1000
    print(f"premailer, a document of {len(document) / 1000:.0f} KB  {once * 1e3:9.3f} ms")
    print(f"a subscriber's mail of {size:.0f} KB         {mail_seconds * 1e3:9.3f} ms")
    print(f"ratio: 1/{once / mail_seconds:.0f}  (target: at most 1/{TARGET})")


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


def _sample() -> "tuple[Compiled, str]":
    """Return an issue of ten stories, compiled, and its HTML as it is before inlining."""
    from digest.rendering import environment
    from digest.rendering.content import content_of
    from digest.rendering.cutting import Marks
    from digest.rendering.issue import compile_issue
    from digest.rendering.themes.theme import theme_of
    from tests.rendering.mails import appeal, blocks_of, issue, story

    stories = [
        story(
            number,
            summary="Counters saw forty grey seals on Sunday, the most since records began. " * 2,
            byline="Ada Marsh",
            image_url=f"https://img.example/{number}.jpg",
            image_alt="Seals on a sandbank",
        )
        for number in range(10)
    ]
    sample = issue()
    blocks = blocks_of(stories, appeal())
    values = {
        "content": content_of(sample, blocks, stories),
        "theme": theme_of("#1d4e89", "#8ab8e6", "ltr"),
        "subject": "Seals",
        "preheader": "",
        "marks": Marks("html"),
    }
    return compile_issue(sample, blocks, stories), environment.render("issue.html.j2", values, "en")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
