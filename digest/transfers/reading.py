"""The cells of other services' exports: times, addresses, JSON. Pure.

What cannot be read whole is nothing: "12:30" is not a date.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

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


def read_document(cell: str) -> Mapping[str, Any]:
    """Return an object in JSON, or an empty one for anything else."""
    with suppress(ValueError, RecursionError):
        if cell.startswith("{") and isinstance(document := json.loads(cell), dict):
            return document
    return {}
