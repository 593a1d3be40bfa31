"""What a newsletter might be like, from what there is: its name, its days, its sender.

Pure but for `free_slug`, which looks which short names are taken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from django.utils.text import slugify

from digest.core import addresses
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import Newsletter, Publication

LONGEST_SLUG = 50
DAILY_PACE = 5  # articles in a week: with fewer, most days would have no issue
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """When a newsletter might go out, and its name."""

    name: str
    days: tuple[int, ...]  # Monday is 0
    at: time


def suggested(publication: str, moments: Sequence[datetime], now: datetime) -> Suggestion:
    """Return what suits a publication whose articles came out at these moments.

    Every morning where there is something new on most days, otherwise Friday mornings.
    """
    recent_count = sum(now - WEEK < moment <= now for moment in moments)
    if recent_count >= DAILY_PACE:
        return Suggestion(f"{publication} Daily", tuple(range(7)), time(7))
    return Suggestion(f"{publication} Weekly", (4,), time(7))


def sender(url: str) -> str:
    """Return the address that a site's newsletters might come from, or nothing."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    try:
        return addresses.parse(f"newsletter@{host}").email
    except InvalidAddressError:
        return ""


def free_slug(kind: type[Publication | Newsletter], name: str, url: str) -> str:
    """Return a short name that nobody has, from a name, or else from the host of `url`."""
    host = (urlsplit(url).hostname or "").removeprefix("www.").partition(".")[0]
    stem = next(filter(None, map(_short, (name, host))), kind.__name__.lower())
    used_slugs = set(kind.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    tries = (stem, *(f"{stem}-{number}" for number in range(2, len(used_slugs) + 3)))
    return next(slug for slug in tries if slug not in used_slugs)


def _short(text: str) -> str:
    slug = re.sub(r"[_-]+", "-", slugify(text))[: LONGEST_SLUG - 5]
    return slug.strip("-")
