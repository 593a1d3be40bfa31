"""Reading what comes back: what is found, beside flufl.bounce, and how fast.

A corpus of our own: each reply that the rules know, in each of seven shapes, with what is expected;
warnings, complaints and absence notes. As the rules were written for these replies, our side shows
that shapes are read and returned stories are not; only unseen reports show recall. flufl.bounce
knows no reasons: it calls a refusal for our sake permanent too. Printed for both: hard bounces that
were found, and others that were taken for permanent. Then the pace of reading.

flufl.bounce is installed beside for this (`pip install flufl.bounce`). `DIGEST_CORPUS=folder` reads
real reports instead, and lists what each is taken for.

    make bench ARGS=bounces
"""

import email
import os
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand
from digest.bounces.reading.rules import rules
from tests.bounces import shapes


class Case(NamedTuple):
    """A message, and what follows from it; "" for nothing."""

    content: bytes
    consequence: str


def main() -> None:
    """Compare, then measure."""
    if folder := os.environ.get("DIGEST_CORPUS"):
        _list(Path(folder))
        return
    cases = list(corpus())
    kinds = Counter(case.consequence or "nothing" for case in cases)
    print(f"-- {len(cases):,} reports: {dict(kinds)}")
    _print("Digest", cases, [consequence(case.content) for case in cases])
    try:
        scan = import_module("flufl.bounce").scan_message
    except ImportError:
        print("-- flufl.bounce is not installed")
    else:
        _print("flufl.bounce", cases, [_flufl(scan, case.content) for case in cases])
    start = time.perf_counter()
    for case in cases:
        read_report(case.content)
    print(
        f"-- {len(cases) / (time.perf_counter() - start):,.0f} reports read a second, one process"
    )


def corpus() -> Iterator[Case]:
    """Return every reply in every shape, and what is not a bounce."""
    for rule in rules():
        refusal = understand(rule.example)
        expected = consequence_of(refusal.reason, permanent=refusal.permanent)
        for shape in shapes.FAILURES.values():
            yield Case(shape(rule.example), expected.value)
        yield Case(shapes.delayed(rule.example), "")
    for kind in ("abuse", "fraud", "virus", "other"):
        yield Case(shapes.complaint(kind), Consequence.COMPLAINT.value)
    for subject in ("Out of office", "Automatische Antwort", "Re: your newsletter"):
        yield Case(shapes.note(subject, body="550 5.1.1 User unknown"), "")


def consequence(content: bytes) -> str:
    """Return what follows from a message here; "" for nothing."""
    report = read_report(content)
    if report.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        return ""
    return consequence_of(report.reason, permanent=report.permanent).value


def _flufl(scan: Any, content: bytes) -> str:
    """Return "hard" where flufl.bounce names a recipient that failed permanently."""
    return Consequence.HARD.value if scan(email.message_from_bytes(content)) else ""


def _print(name: str, cases: list[Case], results: list[str]) -> None:
    pairs = [(case.consequence, result) for case, result in zip(cases, results, strict=True)]
    hard = [result for expected, result in pairs if expected == Consequence.HARD]
    rest = [result for expected, result in pairs if expected != Consequence.HARD]
    false = rest.count(Consequence.HARD)
    share = hard.count(Consequence.HARD) / len(hard)
    print(f"-- {name}: {share:.1%} of {len(hard):,} hard bounces found, ", end="")
    print(f"{false:,} of {len(rest):,} others called permanent", flush=True)


def _list(folder: Path) -> None:
    """Print what each real report is taken for."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            report = read_report(path.read_bytes())
            print(path.name, report.kind, consequence(path.read_bytes()), report.reason)


if __name__ == "__main__":
    main()
