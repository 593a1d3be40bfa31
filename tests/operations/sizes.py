"""How much disk a subscriber takes: `python -m tests.operations.sizes [--subscribers 20000]`.

Imports a list by the command, into an empty installation, and says how much the database grew: the
subscriber, a subscription, the consent, and all indexes. docs/capacity.md plans with it.
"""

import csv
import sys
import tempfile
from pathlib import Path
from typing import Any

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.house import House
from tests.operations.restore import read_subscribers, run_digest, say

_SIZE = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'"
_TABLES = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
    "AND relname NOT LIKE 'pg_%' ORDER BY 2 DESC LIMIT 6"
)
NEWSLETTER = (
    *("newsletter", "add", "tide", "--name", "The Tide", "--publication", "courier"),
    *("--publication-name", "Courier", "--url", "https://courier.example"),
    *("--postal-address", "1 Quay", "--sender", "news@courier.example"),
)


def main(subscribers: int) -> int:
    """Import so many; print the bytes that each takes."""
    with tempfile.TemporaryDirectory(prefix="digest-sizes-") as name:
        house = House(Path(name), tick=1)
        try:
            _run(house, "migrate")
            _run(house, *NEWSLETTER)
            before = _size(house)
            _run(house, *_import(Path(name) / "list.csv", subscribers))

            say(f"{(_size(house) - before) / subscribers:,.0f} bytes for each subscriber")
            for table, size in house.query(_TABLES):
                say(f"  {table}: {int(str(size)) / subscribers:,.0f}")
        finally:
            house.close()
    return 0


def _import(path: Path, subscribers: int) -> tuple[str, ...]:
    """Write a list with names; return the command that imports it."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "name"])
        for number in range(subscribers):
            writer.writerow(
                [f"subscriber.{number}@mail{number % 40}.example", f"Kim Smith {number}"]
            )
    return ("subscriber", "import", str(path), "--newsletter", "tide", "--consent", "on our site")


def _size(house: House) -> int:
    [(size,)] = house.query(_SIZE)
    return int(str(size))


def _run(house: House, *arguments: str) -> Any:
    done = run_digest(house, *arguments)
    if done.returncode:
        raise RuntimeError(f"digest {' '.join(arguments)}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main(read_subscribers("tests.operations.sizes", "Disk of a subscriber.", 20_000)))
