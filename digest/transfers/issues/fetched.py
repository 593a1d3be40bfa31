"""Past issues that `remote` fetched from an API: issues.jsonl, one JSON object on each line."""

import json
from collections.abc import Iterator
from datetime import datetime

from digest.newsletters.models import Newsletter
from digest.transfers.errors import TransferError
from digest.transfers.files import LARGEST_JSON, LARGEST_TEXT, Export
from digest.transfers.issues.content import PastContent
from digest.transfers.reporting import LeftIssue

NAME = "digest-issues.jsonl"


def applies(export: Export) -> bool:
    """Say whether an export was fetched by us."""
    return NAME in export.names


def read(
    export: Export, newsletter: Newsletter, list_name: str
) -> Iterator[PastContent | LeftIssue]:
    """Yield the issues, and those that stay behind."""
    del newsletter, list_name  # were chosen when they were fetched
    for line in filter(None, export.text(NAME, LARGEST_TEXT).split("\n")):
        if len(line) > LARGEST_JSON:
            raise TransferError("A past issue in this export is larger than 20 MB.")
        try:
            values = json.loads(line)
            yield LeftIssue(**values) if "reason" in values else _content(values)
        except (TypeError, KeyError, ValueError, RecursionError) as cause:
            raise TransferError("The past issues in this export are damaged.") from cause


def line_of(item: PastContent | LeftIssue) -> str:
    """Return an item as the line of the file."""
    values = item._asdict()
    if isinstance(item, PastContent):
        values["sent_at"] = item.sent_at.isoformat()
    return json.dumps(values) + "\n"


def _content(values: dict[str, str]) -> PastContent:
    sent_at = datetime.fromisoformat(values.pop("sent_at"))
    return PastContent(sent_at=sent_at, **values)  # type: ignore[arg-type]  # as line_of wrote them
