"""A past issue as another service has it, and the tables that tell of several."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from digest.newsletters.models import Newsletter
from digest.subscribers.importing.states import plain
from digest.transfers.errors import TransferError
from digest.transfers.reporting import LeftIssue

DRAFT = "was never sent"
PAID = "for paying subscribers only"
NO_PAGE = "its text is not in the export"
NO_DATE = "the export does not say when it was sent"
OTHER_LIST = "sent to another list"


class PastContent(NamedTuple):
    """A past issue, not sanitised yet."""

    service: str
    origin: str  # what it is known by there, for ever
    sent_at: datetime
    subject: str
    preheader: str
    html: str
    is_public: bool | None  # whether everybody could read it there; None: the export does not say


Item = PastContent | LeftIssue


class Choice(NamedTuple):
    """Where past issues go, and of which mailing list; "" for all lists."""

    newsletter: Newsletter
    list_name: str

    def includes(self, list_name: str) -> bool:
        """Say whether what was sent to a list is wanted."""
        return not self.list_name or list_name.casefold() == self.list_name.casefold()


def table(text: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a CSV file by its headings, as `states.plain` writes them.

    Raises TransferError for what cannot be read as one.
    """
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        headings = [plain(heading) for heading in next(lines, [])]
        for cells in lines:
            yield dict(zip(headings, (cell.strip() for cell in cells), strict=False))
    except csv.Error as cause:
        raise TransferError(f"A table in this export cannot be read: {cause}.") from cause
