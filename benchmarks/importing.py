"""An import of subscribers, beside a bare COPY of the same file.

The import checks each address, looks for each one among earlier rows, suppressions and those who
left, and writes three rows for each subscriber. Beside it, in turns in one run, with all tables
empty:

    one table     COPY of the file's three columns into one table like that of the subscribers,
                  with its indexes
    three tables  COPY of ready rows into tables like the three that the import fills, with their
                  indexes and foreign keys: the least that storing them can cost

DIGEST_ROWS sets how many rows (1,000,000), DIGEST_ROUNDS how often (3); medians count. Memory is
that of a process that imports a tenth, and of one that imports all.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks._django import seconds_of, set_up

ROWS = int(os.environ.get("DIGEST_ROWS", "1_000_000"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "3"))
TARGET = 0.5
NAMES = ("Ada Marsh", "Inés Carrasco", "Tom Ashdown", "Елена Маринова", "Zoë Brandt", "")
TABLES = ("subscriber", "subscription", "consentevent")


def main() -> None:
    """Time the sides in turns, then look at memory, and print what came out."""
    set_up()
    with tempfile.TemporaryDirectory() as folder:
        file = _list(Path(folder) / "subscribers.csv", ROWS)
        times: dict[str, list[float]] = {"import": [], "one table": [], "three tables": []}
        for _ in range(ROUNDS):
            times["one table"].append(seconds_of(lambda: _copy_one(file)))
            _empty()
            times["import"].append(seconds_of(lambda: _import(file)))
            times["three tables"].append(_copy_three())
        import_seconds = median(times["import"])
        print(
            f"import of {ROWS:,} rows            {import_seconds:7.1f} s"
            f"  {ROWS / import_seconds:9,.0f} rows/s"
        )
        for side in ("three tables", "one table"):
            seconds = median(times[side])
            ratio = f"{seconds / import_seconds:.2f} of its speed (target {TARGET})"
            print(
                f"bare COPY, {side:<12}          {seconds:7.1f} s  "
                f"{ROWS / seconds:9,.0f} rows/s  {ratio}"
            )
        small = _list(Path(folder) / "tenth.csv", max(1, ROWS // 10))
        few, all_of_them = _peak(small), _peak(file)
        print(f"peak memory: {few:.0f} MB for a tenth, {all_of_them:.0f} MB for all")


def _list(file: Path, rows: int) -> Path:
    with file.open("w", encoding="utf-8") as out:
        out.write("email,name,signed up\n")
        for number in range(rows):
            # Spread over the index, as addresses are.
            mixed = number * 2_654_435_761 % 2**32
            name = NAMES[number % len(NAMES)]
            email = f"subscriber.{mixed:x}@mail{mixed % 5000}.example.com"
            out.write(f"{email},{name},2026-01-0{number % 9 + 1}\n")
    return file


def _import(file: Path) -> None:
    from digest.subscribers.importing import import_csv
    from tests.cast import NOON, make_newsletter

    report = import_csv(file, make_newsletter(), consent="asked at the fair", now=NOON)
    assert report.added == report.rows, report.refusals[:3]


def _copy_one(file: Path) -> None:
    """Copy the file as it is into a table with the subscribers' indexes."""
    _run(
        "CREATE TABLE bare (LIKE subscribers_subscriber INCLUDING ALL);"
        "ALTER TABLE bare ALTER address_key DROP NOT NULL, ALTER timezone DROP NOT NULL,"
        " ALTER created_at DROP NOT NULL, ALTER language DROP NOT NULL"
    )
    from django.db import connection

    with connection.cursor() as cursor:
        with (
            cursor.copy(
                "COPY bare (address_key, name, email) FROM STDIN"
                " (FORMAT csv, HEADER, FORCE_NOT_NULL (name))"
            ) as copy,
            file.open("rb") as stream,
        ):
            while block := stream.read(1 << 20):
                copy.write(block)
        cursor.execute("DROP TABLE bare")


def _copy_three() -> float:
    """Copy the rows that the import left into tables with the same indexes and foreign keys."""
    from django.db import connection

    seconds = 0.0
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE subscribers_{table} INCLUDING ALL)")
        for table in TABLES[1:]:
            cursor.execute(
                f"ALTER TABLE bare_{table}"
                " ADD FOREIGN KEY (subscriber_id) REFERENCES bare_subscriber"
                " DEFERRABLE INITIALLY DEFERRED,"
                " ADD FOREIGN KEY (newsletter_id) REFERENCES newsletters_newsletter"
                " DEFERRABLE INITIALLY DEFERRED"
            )
        for table in TABLES:
            with tempfile.TemporaryFile() as rows:
                with cursor.copy(f"COPY subscribers_{table} TO STDOUT") as copy:
                    for block in copy:
                        rows.write(block)
                rows.seek(0)
                start = time.perf_counter()
                with cursor.copy(f"COPY bare_{table} FROM STDIN") as copy:
                    while block := rows.read(1 << 20):
                        copy.write(block)
                seconds += time.perf_counter() - start
        for table in reversed(TABLES):
            cursor.execute(f"DROP TABLE bare_{table}")
    return seconds


def _empty() -> None:
    _run("TRUNCATE subscribers_subscriber, newsletters_publication CASCADE; CHECKPOINT")


def _run(statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement)


def _peak(file: Path) -> float:
    """Return the largest resident size, in MB, of a process that imports a file."""
    _empty()
    code = (
        "import benchmarks.importing as b, pathlib, resource, sys; b.set_up();"
        "b._import(pathlib.Path(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
