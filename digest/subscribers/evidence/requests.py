"""What was entered with each request for a subscription that waits for its confirmation. Pure.

A form is open to strangers, so a request is as good as the mail that tells of it: a confirmation
applies what was entered before that mail was written, and nothing that somebody added later.
Requests are stored as a list, the latest last: [{"at": Unix seconds, "values": {…}}].
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

KEEP = timedelta(days=14)  # twice as long as the link of a confirmation is valid
FIRST = 0  # the time of a request that no mail of its own tells of, but an earlier one

Requests = list[dict[str, Any]]


def add_request(
    requests: Sequence[Mapping[str, Any]] | None, values: Mapping[str, Any], now: datetime, at: int
) -> Requests | None:
    """Return requests with one more, without old ones; None if nothing was entered with any."""
    oldest = int((now - KEEP).timestamp())
    recent = [dict(row) for row in requests or () if row["at"] >= oldest or row["at"] == FIRST]
    if not recent and not values:
        return None
    return sorted([*recent, {"at": at, "values": dict(values)}], key=itemgetter("at"))


def entered_by(
    requests: Sequence[Mapping[str, Any]] | None, written_at: datetime
) -> Mapping[str, Any]:
    """Return what was entered with the latest request before a mail was written (aware)."""
    seconds = int(written_at.timestamp())
    earlier = [row["values"] for row in requests or () if row["at"] <= seconds]
    return earlier[-1] if earlier else {}


def entered_after(
    requests: Sequence[Mapping[str, Any]] | None, written_at: datetime
) -> Requests | None:
    """Return the requests that came after a mail was written (aware); None if there are none."""
    seconds = int(written_at.timestamp())
    return [dict(row) for row in requests or () if row["at"] > seconds] or None
