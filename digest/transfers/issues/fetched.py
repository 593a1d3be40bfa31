"""Past issues that `remote` fetched from an API: issues.jsonl, one JSON object on each line."""

import json
from collections.abc import Iterator
from datetime import datetime

from digest.transfers.errors import TransferError
from digest.transfers.files import LARGEST_JSON, Export
from digest.transfers.issues.content import Choice, Item, PastContent
from digest.transfers.reporting import LeftIssue

NAME = "digest-issues.jsonl"


def files_in(export: Export) -> list[str]:
    """Return the file of an export that was fetched by us; none in any other."""
    return [NAME] if NAME in export.names else []


def read(export: Export, name: str, _choice: Choice) -> Iterator[Item]:
    """Yield the issues, and those that stay behind; a list was chosen when they were fetched."""
    with export.copy(name).open("rb") as stream:
        while line := stream.readline(LARGEST_JSON + 1):
            if len(line) > LARGEST_JSON:
                raise TransferError("A past issue in this export is larger than 20 MB.")
            yield _item(line)


def _item(line: bytes) -> Item:
    try:
        values = json.loads(line)
        return LeftIssue(**values) if "reason" in values else _content(values)
    except (TypeError, KeyError, ValueError, RecursionError) as cause:
        raise TransferError("The past issues in this export are damaged.") from cause


def line_of(item: Item) -> str:
    """Return an item as the line of the file."""
    values = item._asdict()
    if isinstance(item, PastContent):
        values["sent_at"] = item.sent_at.isoformat()
    return json.dumps(values) + "\n"


def _content(values: dict[str, str]) -> PastContent:
    sent_at = datetime.fromisoformat(values.pop("sent_at"))
    return PastContent(sent_at=sent_at, **values)  # type: ignore[arg-type]  # as line_of wrote them
