"""Make a backup: one consistent state of the database, and what belongs to it.

A transaction exports its snapshot, which pg_dump takes over, so the counts in the header are those
of the dump, and everything may go on meanwhile. Journals are read as soon as it exists, before the
dump: a sender deletes its own within seconds, once the database knows what is in it, which the
snapshot does not. The file gets its name when it is complete and on the disk.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from digest import __version__
from digest.articles.models import Article
from digest.backups import last, programs
from digest.backups.archive import DATABASE, HEADER, JOURNALS, PICTURES, SECRETS, ArchiveWriter
from digest.backups.header import FORMAT, Header
from digest.backups.new_file import new_file
from digest.core import processors
from digest.core.database.statements import fetch_row
from digest.installation.heartbeat import installation_row
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.pictures import storage
from digest.sending import journal
from digest.subscribers.models import Subscriber, Subscription, Suppression

COUNTED: tuple[type[Model], ...] = (
    Publication,
    Newsletter,
    Article,
    Issue,
    Subscriber,
    Subscription,
    Suppression,
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made."""

    path: Path
    size: int  # bytes
    header: Header


def make_backup(path: Path, passphrase: str) -> Backup:
    """Make a backup in a new file that only its owner can read. Raises BackupError."""
    server = programs.server_version()
    pg_dump = programs.find_program("pg_dump", server)
    installation_row()  # made if there was none
    with new_file(path) as file:
        writer = ArchiveWriter(file, passphrase)
        with _snapshot() as snapshot:
            journals = _read_journals()
            header = _describe(server, pg_dump.version)
            writer.add_json(HEADER, header.values())
            writer.add_json(SECRETS, _secrets())
            _dump(pg_dump.path, snapshot, writer)
        for name, octets in journals.items():
            writer.add(f"{JOURNALS}/{name}", octets)
        _add_pictures(writer)
        writer.finish()
    backup = Backup(path, path.stat().st_size, header)
    last.write(last.LastBackup(header.made_at, str(path.absolute()), backup.size))
    return backup


@contextmanager
def _snapshot() -> Iterator[str]:
    """Keep one state of the database in sight, and yield the name that pg_dump knows it by."""
    connection.close()  # a session of its own: what was set in another one does not count
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A dump takes as long as it takes.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def _describe(server: int, program: int) -> Header:
    installation = installation_row()  # which exists: nothing can be written here
    applied = MigrationRecorder(connection).applied_migrations()
    return Header(
        format=FORMAT,
        digest=__version__,
        made_at=_snapshot_time(),
        server=server,
        pg_dump=program,
        installation=str(installation.key),
        beats=installation.beats,
        migrations=sorted(f"{label}.{name}" for label, name in applied),
        counts={model._meta.db_table: model._default_manager.count() for model in COUNTED},  # noqa: SLF001
        bucket="" if storage.folder() else "pictures are in a bucket, which is not in this file",
    )


def _snapshot_time() -> datetime:
    """Return when the transaction began, right before its snapshot."""
    moment: datetime = fetch_row("SELECT transaction_timestamp()")[0]
    return moment


def _secrets() -> dict[str, Any]:
    return {
        "DIGEST_SECRET_KEY": settings.SECRET_KEY,
        "DIGEST_SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS,
    }


def _dump(program: str, snapshot: str, writer: ArchiveWriter) -> None:
    command = [
        *(program, "--format=custom", "--no-owner", "--no-privileges"),
        *(f"--snapshot={snapshot}", *programs.connection_arguments()),
    ]
    with programs.run_program(
        command, "The database cannot be dumped", stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        writer.add_stream(DATABASE, processors.RestingStream(process.stdout))


def _read_journals() -> dict[str, bytes]:
    """Return the journals that exist at this moment, by name: at most some MB of each sender."""
    journals = {}
    for path in sorted(journal.folder().glob(f"*{journal.SUFFIX}")):
        with suppress(FileNotFoundError):  # deleted since: the database knows all of it
            journals[path.name] = path.read_bytes()
    return journals


def _add_pictures(writer: ArchiveWriter) -> None:
    folder = storage.folder()
    if folder is None:
        return
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # deleted since
            if path.is_file():
                writer.add(f"{PICTURES}/{path.relative_to(folder)}", path.read_bytes())
