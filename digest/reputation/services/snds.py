"""Microsoft SNDS: how Outlook.com sees each address that sends, by day, as CSV.

Columns: address, begin and end of the activity, RCPT and DATA commands, recipients, filter result
(its colour), complaint rate ("< 0.1%"), begin and end of trap hits, trap hits, samples, comments.
That is how public clients read it; an account of ours has not confirmed it.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import quote

from digest.core.http.calling import call
from digest.core.http.errors import FetchError
from digest.reputation.errors import ReputationError
from digest.reputation.services.base import MOST_READINGS, Account, Answer, Period, Reading

_COLORS = frozenset({"green", "yellow", "red"})
_PERCENT = re.compile(r"([\d.]+)\s*%")
_HEADERS = {"Accept": "text/csv, */*"}
COLUMNS = 11  # that are read
DIGITS = 9  # of a number; no address gets more mails in a day


class Snds:
    """The key of SNDS's automated data access."""

    name = "Microsoft SNDS"
    address = "https://sendersupport.olc.protection.outlook.com/snds/data.aspx"
    secret = (
        "Key",
        "In SNDS under Edit profile, Automated data access, for the addresses that you requested.",
    )

    def fetch(self, account: Account, period: Period) -> Answer:  # noqa: ARG002  the newest day
        """Ask for the newest day that there is."""
        try:
            answer = call(
                f"{account.address}?key={quote(account.secret, safe='')}", headers=_HEADERS
            )
        except FetchError as problem:
            raise ReputationError(_explain(problem)) from None  # its text has the key
        text = answer.body.decode("utf-8-sig", "replace")
        if text.lstrip()[:1] == "<":
            raise ReputationError(
                "Microsoft SNDS answers with a page instead of data. Enable automated data access "
                "and copy the new key."
            )
        try:
            readings = [row for row in map(_reading, csv.reader(io.StringIO(text))) if row]
        except csv.Error as problem:
            raise ReputationError(
                f"The data of Microsoft SNDS cannot be read: {problem}. We try again later."
            ) from None
        return Answer(readings[:MOST_READINGS])


def _reading(cells: Sequence[str]) -> Reading | None:
    """Return what a line says; None for a line that says nothing."""
    try:
        ip = str(ip_address(cells[0].strip().partition("%")[0]))
        day = datetime.strptime(cells[1].split()[0], "%m/%d/%Y").date()  # noqa: DTZ007  a day
        color = cells[6].strip().lower()
        hits = cells[COLUMNS - 1].strip()
        percent = _PERCENT.search(cells[7])
        share = min(1.0, float(percent[1]) / 100) if percent else None
    except (IndexError, ValueError):
        return None
    return Reading(
        subject=ip,
        day=day,
        mails=_number(cells[5]),
        spam_share=share,
        color=color if color in _COLORS else "",
        trap_hits=_number(hits) if hits else 0,
    )


def _number(text: str) -> int | None:
    plain = text.strip().replace(",", "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= DIGITS else None


def _explain(problem: FetchError) -> str:
    """Say what to check, without the address, which holds the key."""
    if problem.status in {400, 401, 403, 404}:
        return f"Microsoft SNDS refuses the key ({problem.status}). Copy it again from SNDS."
    if problem.status:
        return f"Microsoft SNDS answers with an error ({problem.status}). We try again later."
    return "Microsoft SNDS cannot be reached. We try again later."
