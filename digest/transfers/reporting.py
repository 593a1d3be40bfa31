"""What happened to everything in an export, or would happen: counted, with examples, as JSON."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from digest.subscribers.importing.candidates import Refusal
from digest.subscribers.importing.details import Counts

LISTED = 50  # refused rows of a list, issues that stay behind
_EXAMPLES = 20  # issues, and hosts of pictures


@dataclass(slots=True)
class ListReport:
    """What happened to a list. `rows = added + unchanged + refused`."""

    name: str
    service: str
    unread: tuple[str, ...] = ()  # columns, and values in documents, that stay behind
    rows: int = 0
    added: int = 0
    unchanged: int = 0
    refused: int = 0
    suppressed: int = 0
    active_here: int = 0  # refused for what the list says, and active subscribers all the same
    details: Counts = field(default_factory=Counts)  # of the added
    causes: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)  # the first LISTED

    def count(
        self, rows: int, added: int, refusals: list[Refusal], suppressed: int, details: Counts
    ) -> None:
        """Count a chunk of rows."""
        self.rows += rows
        self.added += added
        self.refused += len(refusals)
        self.unchanged += rows - added - len(refusals)
        self.suppressed += suppressed
        self.details = self.details.plus(details)
        self.causes.update(str(refusal.cause) for refusal in refusals)
        self.refusals += sorted(refusals)[: LISTED - len(self.refusals)]

    def values(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "name": self.name,
            "rows": self.rows,
            "added": self.added,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "suppressed": self.suppressed,
            "active_here": self.active_here,
            "details": self.details._asdict(),
            "unread": list(self.unread),
            "causes": [[cause, count] for cause, count in self.causes.most_common()],
            "refusals": [[row.line, row.address, row.reason] for row in self.refusals],
        }


class LeftIssue(NamedTuple):
    """A past issue that stays behind, and why."""

    title: str
    reason: str


@dataclass(slots=True)
class IssueReport:
    """What happened to the past issues."""

    added: int = 0
    unchanged: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)  # date and subject of the first
    reasons: Counter[str] = field(default_factory=Counter)
    left: list[LeftIssue] = field(default_factory=list)  # the first LISTED
    pictures: Counter[str] = field(default_factory=Counter)  # by host

    def leave(self, title: str, reason: str) -> None:
        """Count an issue that stays behind."""
        self.reasons[reason] += 1
        if len(self.left) < LISTED:
            self.left.append(LeftIssue(title, reason))

    def add(self, date: str, subject: str, hosts: Iterable[str], *, is_new: bool) -> None:
        """Count one that comes, or came before."""
        self.added += is_new
        self.unchanged += not is_new
        self.pictures.update(hosts)
        if len(self.examples) < _EXAMPLES:
            self.examples.append((date, subject))

    def values(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "added": self.added,
            "unchanged": self.unchanged,
            "left": sum(self.reasons.values()),
            "examples": [list(row) for row in self.examples],
            "reasons": [[reason, count] for reason, count in self.reasons.most_common()],
            "left_issues": [list(row) for row in self.left],
            "pictures": sum(self.pictures.values()),
            "hosts": [[host, count] for host, count in self.pictures.most_common(_EXAMPLES)],
        }


@dataclass(slots=True)
class Report:
    """What happened to an export."""

    service: str
    lists: list[ListReport] = field(default_factory=list)
    issues: IssueReport = field(default_factory=IssueReport)
    remarks: list[str] = field(default_factory=list)  # what stays behind, in sentences
    question: str = ""  # what nobody affirmed yet, or had to

    @property
    def added(self) -> int:
        """How many subscribers were added."""
        return sum(row.added for row in self.lists)

    @property
    def rows(self) -> int:
        """How many rows the lists have."""
        return sum(row.rows for row in self.lists)

    def values(self) -> dict[str, Any]:
        """Return it as it is stored and printed."""
        totals: Counter[str] = Counter()
        causes: Counter[str] = Counter()
        details = Counts()
        for row in self.lists:
            names = ("rows", "added", "unchanged", "refused", "suppressed", "active_here")
            totals.update({name: getattr(row, name) for name in names})
            causes.update(row.causes)
            details = details.plus(row.details)
        return {
            "service": self.service,
            "question": self.question,
            "subscribers": dict.fromkeys(
                ("rows", "added", "unchanged", "refused", "suppressed", "active_here"), 0
            )
            | totals
            | {"causes": [[cause, count] for cause, count in causes.most_common()]}
            | {"details": details._asdict()},
            "lists": [row.values() for row in self.lists],
            "issues": self.issues.values(),
            "remarks": self.remarks,
        }
