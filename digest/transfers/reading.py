"""The cells of other services' exports: times, addresses, tags, JSON. Pure.

What cannot be read whole is nothing: "12:30" is not a date.
"""

import csv
import ipaddress
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from digest.subscribers.errors import InvalidInputError
from digest.subscribers.profiles import MOST_TAGS, clean_tag

_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)  # no service is older
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")  # seconds, or milliseconds
# As Go prints a time: "2024-01-02 10:00:00.123456789 +0530 IST".
_GO = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d{4}) [A-Z+-][\w+-]*")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)


def read_time(text: object, now: datetime) -> datetime | None:
    """Return a moment in UTC, which it is in where no zone is named; None for what is none.

    A moment after `now`, or before there were such services, is none either.
    """
    value = str(text).strip() if isinstance(text, str | int | float) else ""
    moment = _moment(value)
    return moment if moment and _EARLIEST <= moment <= now else None


def _moment(value: str) -> datetime | None:
    value = value.removesuffix(".0")
    if _EPOCH.fullmatch(value):
        return datetime.fromtimestamp(int(value[:10]), UTC)
    if match := _GO.fullmatch(value):
        value = f"{match[1]}T{match[2]}{match[3]}"
    elif match := _ISO.fullmatch(value):
        offset = {"Z": "+0000", "UTC": "+0000", "GMT": "+0000"}.get(match[4], match[4] or "+0000")
        value = f"{match[1]}T{match[2] or '00:00'}{match[3] or ':00'}{offset.replace(':', '')}"
    else:
        return None
    with suppress(ValueError):
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    return None


def read_ip(text: object) -> str | None:
    """Return an IP address as it is stored; None for what is none, and for an unspecified one."""
    try:
        address = ipaddress.ip_address(str(text).strip())
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)


def read_tags(value: object) -> tuple[str, ...]:
    """Return the tags in a cell: `a, b`, Mailchimp's `"a","b"`, or a list in JSON."""
    parts = _parts(value)
    tags = []
    for part in parts:
        with suppress(InvalidInputError):
            tags.append(clean_tag(part))
    return tuple(dict.fromkeys(tags))[:MOST_TAGS]


def split(cell: str) -> list[str]:
    """Return the parts of a cell that separates them by commas and may quote them."""
    try:
        row = next(csv.reader([cell], skipinitialspace=True), [])
    except csv.Error:
        row = cell.split(",")
    return [part.strip() for part in row if part.strip()]


def read_document(cell: str) -> Mapping[str, Any]:
    """Return an object in JSON, or an empty one for anything else."""
    with suppress(ValueError, RecursionError):
        if cell.startswith("{") and isinstance(document := json.loads(cell), dict):
            return document
    return {}


def _parts(value: object) -> list[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, list):
        names = (part.get("name") if isinstance(part, dict) else part for part in value)
        return [name for name in names if isinstance(name, str)]
    if not isinstance(value, str):
        return []
    return [part for cell in value.splitlines() for part in split(cell)]
