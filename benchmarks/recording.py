"""What it costs to note, before a message leaves and after its reply, that this happened.

Each way notes the same number of messages, twice each, in turns. Printed: microseconds a message by
the clock and of our own CPU (medians), and what each survives. docs/decisions/0009 draws on it.
"""

import asyncio
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg

import tests.services  # noqa: F401  starts PostgreSQL and Valkey, and names them in the environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from digest.relays.transports.base import Reply
    from digest.sending.journal import Journal

MESSAGES = int(os.environ.get("DIGEST_MESSAGES", "5_000"))
ROUNDS = int(os.environ.get("DIGEST_ROUNDS", "5"))
REPLY = "2.0.0 Ok: queued as 4F8BA12C"
NOTE = "UPDATE noted SET state = %s, words = %s WHERE id = %s"


def main() -> None:
    """Measure every way."""
    import django

    django.setup()
    sides: dict[str, tuple[Callable[[], None], str]] = {
        "a commit before and after": (_commits, "all of it"),
        "the same, not waiting for the disk": (_asynchronous, "a worker's end, not PostgreSQL's"),
        "psycopg's pipeline, a sync each, not waiting": (_pipeline, "the same"),
        "a Valkey stream, sent without waiting": (_stream, "a worker's end; a flush loses it"),
        "a journal": (_journal, "a worker's, PostgreSQL's, Valkey's end"),
        "a journal, fdatasync each": (_synced_journal, "the machine's end too"),
    }
    _table()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, (record, _) in sides.items():
            start, cpu = time.perf_counter(), time.process_time()
            record()
            times[name].append((time.perf_counter() - start, time.process_time() - cpu))
    print(f"{MESSAGES:,} messages, noted twice each; µs a message by the clock, and of our CPU")
    for name, (_, survives) in sides.items():
        clock = median(seconds for seconds, _ in times[name]) / MESSAGES * 1e6
        cpu = median(seconds for _, seconds in times[name]) / MESSAGES * 1e6
        print(f"   {name:<46} {clock:7.0f} {cpu:6.0f}   survives {survives}")


def _connect() -> psycopg.Connection:
    return psycopg.connect(os.environ["DIGEST_DATABASE_URL"], autocommit=True)


def _table() -> None:
    with _connect() as connection:
        connection.execute("CREATE TABLE noted (id bigint PRIMARY KEY, state int, words text)")
        connection.execute("INSERT INTO noted SELECT n, 0, '' FROM generate_series(1, 100000) n")


def _commits(*settings: str) -> None:
    with _connect() as connection:
        for setting in settings:
            connection.execute(setting)
        for number in range(1, MESSAGES + 1):
            connection.execute(NOTE, (1, "", number))
            connection.execute(NOTE, (3, REPLY, number))


def _asynchronous() -> None:
    _commits("SET synchronous_commit = off")


def _pipeline() -> None:
    with _connect() as connection:
        connection.execute("SET synchronous_commit = off")
        with connection.pipeline() as pipeline:
            for number in range(1, MESSAGES + 1):
                connection.execute(NOTE, (1, "", number))
                connection.execute(NOTE, (3, REPLY, number))
                pipeline.sync()


def _stream() -> None:
    asyncio.run(_send_stream())


async def _send_stream() -> None:
    """XADD over a raw connection; replies are read when they come, and nothing waits for them."""
    path = os.environ["DIGEST_REDIS_URL"].removeprefix("unix://")
    subscriber, writer = await asyncio.open_unix_connection(path)
    for number in range(1, MESSAGES + 1):
        for state in (b"b", b"e"):
            fields = [b"XADD", b"noted", b"*", b"id", b"%d" % number, b"w", state + REPLY.encode()]
            lines = b"".join(b"$%d\r\n%b\r\n" % (len(field), field) for field in fields)
            writer.write(b"*%d\r\n%b" % (len(fields), lines))
        await asyncio.sleep(0)
    await writer.drain()
    for _ in range(MESSAGES * 2):
        await subscriber.readline()
        await subscriber.readline()
    writer.close()


def _journal(*, synced: bool = False) -> None:
    from django.test.utils import override_settings

    from digest.relays.transports.base import Reply
    from digest.sending.journal import Journal

    with TemporaryDirectory() as folder, override_settings(DIGEST_DATA_DIR=Path(folder)):
        _fill(Journal(), Reply(250, REPLY), synced=synced)


def _fill(journal: "Journal", reply: "Reply", *, synced: bool) -> None:
    with journal:
        for number in range(1, MESSAGES + 1):
            journal.record([], [number])
            if synced:
                os.fdatasync(journal._file)  # noqa: SLF001  to know what it would cost
            journal.record([(number, reply)], [])
        journal.done()


def _synced_journal() -> None:
    _journal(synced=True)


if __name__ == "__main__":
    main()
