"""Restore a backup into an empty installation. Mail is held afterwards.

    the whole file is read and checked; nothing has changed by then
    refused: an installation with data, running processes, another secret key, a newer schema
    witnesses know of newer data: whatever fails from here on, a worker that starts holds mail
    the database, in one transaction; sequences far ahead; migrations to this version; the hold
    journals; pictures; rows are counted: what is wrong with these is reported
    statistics for the optimizer

Ids that were given after the backup are in mails, in logs and at providers. The sequences move far
ahead, so that nobody else gets them.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import Error, connection, transaction

from digest.backups import programs
from digest.backups.archive import DATABASE, JOURNALS, PICTURES, open_archive
from digest.backups.errors import BackupError
from digest.backups.header import Header
from digest.backups.journals import restore_journal
from digest.backups.making import COUNTED
from digest.backups.reading import begin
from digest.core.database import optimizer, schema
from digest.core.database.statements import execute, fetch_column
from digest.core.text import counted
from digest.installation import holds
from digest.installation.models import Hold
from digest.pictures import storage
from digest.pictures.errors import PicturesUnavailableError

AHEAD = 1_000_000_000  # ids; more than any installation gives between a backup and its loss


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore did."""

    header: Header
    pictures: int  # files
    hold: Hold
    problems: list[str]  # what is missing; each says what to do


def verify_backup(path: Path, passphrase: str) -> Header:
    """Read a backup to its end, the dump too; return its header. Raises BackupError."""
    with open_archive(path, passphrase) as archive:
        header, _secrets, parts = begin(archive)
        pg_restore = programs.find_program("pg_restore", header.pg_dump)
        with _feeding([pg_restore.path, "--file=/dev/null"]) as dump:
            for name, octets in parts:
                if name.startswith(f"{DATABASE}/"):
                    dump.write(octets)
    return header


def restore_backup(path: Path, passphrase: str, now: datetime) -> RestoreResult:
    """Restore a backup that is whole into this installation, which has to be empty.

    Raises BackupError; no data have been restored then, unless a migration failed.
    """
    header = verify_backup(path, passphrase)
    _refuse_newer(header)
    _refuse_processes()
    _refuse_data()
    with open_archive(path, passphrase) as archive:
        _header, secrets, parts = begin(archive)
        _refuse_other_key(secrets)
        holds.expect_restored(UUID(header.installation), header.beats)
        following = _restore_database(header, parts)
        move_sequences_ahead()
        call_command("migrate", verbosity=0, interactive=False)
        hold = holds.begin_restored(header.made_at, now)
        pictures, problems = _restore_files(_from(following, parts))
    problems += _compare_counts(header)
    optimizer.refresh_all_statistics()
    return RestoreResult(header, pictures, hold, problems)


def move_sequences_ahead() -> None:
    """Let the next ids be ones that nobody has had."""
    execute(
        "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass,"
        " coalesce(last_value, 1) + %s) FROM pg_sequences"
        " WHERE schemaname = current_schema() AND data_type = 'bigint'::regtype",
        [AHEAD],
    )


def _refuse_newer(header: Header) -> None:
    if unknown := schema.unknown_migrations(header.migrations):
        raise BackupError(
            f"This backup was made by Digest {header.digest}, whose schema is newer "
            f"({unknown[0]}). Install that version or a newer one."
        )
    if (server := programs.server_version()) < header.server:
        raise BackupError(
            f"This backup was made with PostgreSQL {header.server}, and this is PostgreSQL "
            f"{server}. Use PostgreSQL {header.server} or newer."
        )


def _refuse_processes() -> None:
    """Raise BackupError while one of our processes uses the database."""
    names = fetch_column(
        "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname ="
        " current_database() AND pid <> pg_backend_pid()"
        " AND application_name ~ '^digest (web|worker|beat|inbound)'"
    )
    if names:
        commands = ", ".join(f"`{name}`" for name in names)
        raise BackupError(f"{commands} are running. Stop them, and run this again.")


def _refuse_data() -> None:
    """Raise BackupError unless the database has no rows that a person or a source made."""
    tables = set(connection.introspection.table_names())
    counted = [*COUNTED, apps.get_model("accounts.User")]
    counts = {
        str(model._meta.verbose_name_plural): model._default_manager.count()  # noqa: SLF001
        for model in counted
        if model._meta.db_table in tables  # noqa: SLF001
    }
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    if rows:
        raise BackupError(
            f"This installation is not empty: it has {rows}. Restore into a new database and set "
            "DIGEST_DATABASE_URL to it."
        )


def _refuse_other_key(secrets: dict[str, Any]) -> None:
    keys = {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS}
    if secrets["DIGEST_SECRET_KEY"] not in keys:
        raise BackupError(
            "This installation has another secret key than the backup, so links in mails would "
            "stop working. Set DIGEST_SECRET_KEY to the key that `digest backup secrets FILE` "
            "prints."
        )


def _restore_database(header: Header, parts: Iterator[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Restore the dump in one transaction; return the part that follows it."""
    pg_restore = programs.find_program("pg_restore", header.pg_dump)
    command = [
        *(pg_restore.path, "--no-owner", "--no-privileges", "--single-transaction"),
        *("--exit-on-error", *programs.connection_arguments()),
    ]
    following: tuple[str, bytes] = ("", b"")
    _clear_schema()
    with _feeding(command) as dump:
        for following in parts:
            if not following[0].startswith(f"{DATABASE}/"):
                break
            dump.write(following[1])
    return following


def _restore_files(parts: Iterator[tuple[str, bytes]]) -> tuple[int, list[str]]:
    """Restore journals and pictures; return the number of pictures' files, and what is missing."""
    pictures, missing = 0, []
    for name, octets in parts:
        folder, _, file_name = name.partition("/")
        try:
            if folder == JOURNALS:
                restore_journal(file_name, octets)
            elif folder == PICTURES:
                storage.save(file_name, octets)
                pictures += 1
        except (OSError, PicturesUnavailableError) as cause:
            missing.append(f"{name}: {cause}")
    if not missing:
        return pictures, []
    advice = "Take them out of the backup with `age` and `tar` (docs/backup.md)."
    return pictures, [f"{counted(len(missing), 'file')} not restored. {advice} First: {missing[0]}"]


def _from(
    first: tuple[str, bytes], parts: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    yield first
    yield from parts


def _clear_schema() -> None:
    """Remove empty tables, and whatever else a newer version has and the backup has not."""
    try:
        _replace_schema()
    except Error as cause:
        raise BackupError(
            f"The schema of the new database cannot be emptied: {str(cause).strip()}. The user of "
            "DIGEST_DATABASE_URL has to own the database and its schema."
        ) from cause


# Whoever may use the schema, and its tables to come: a role for reports, say.
_GRANTS = """
    WITH ours AS (SELECT * FROM pg_namespace WHERE nspname = current_schema()),
    rights AS (
        SELECT format('GRANT %s ON SCHEMA %I', privilege_type, nspname) AS beginning, given.*
        FROM ours, aclexplode(nspacl) AS given
        WHERE grantee <> nspowner
        UNION ALL
        SELECT
            format(
                'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT %s ON %s',
                pg_get_userbyid(defaclrole), nspname, privilege_type,
                CASE defaclobjtype
                    WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                    WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES'
                END
            ),
            given.*
        FROM ours
        JOIN pg_default_acl ON defaclnamespace = ours.oid
        CROSS JOIN aclexplode(defaclacl) AS given
        WHERE pg_has_role(defaclrole, 'MEMBER')
    )
    SELECT
        beginning || ' TO '
        || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
        || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    FROM rights
"""


@transaction.atomic
def _replace_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        cursor.execute("SELECT quote_ident(current_schema())")
        name = cursor.fetchone()[0]
        if name is None:
            raise BackupError("The user of DIGEST_DATABASE_URL may use no schema of this database.")
        cursor.execute(_GRANTS)
        grants = [statement for (statement,) in cursor.fetchall()]
        cursor.execute(f"DROP SCHEMA {name} CASCADE")
        cursor.execute(f"CREATE SCHEMA {name}")
        for statement in grants:
            cursor.execute(statement)


@contextmanager
def _feeding(command: list[str]) -> Iterator[IO[bytes]]:
    """Run a program, and yield its standard input. Raises BackupError if it fails."""
    with programs.run_program(
        command, "The database cannot be restored", stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has failed, and says why
            yield process.stdin
            process.stdin.close()


def _compare_counts(header: Header) -> Iterator[str]:
    """Yield a problem for each table that has not as many rows as the backup counted."""
    for model in COUNTED:
        table = model._meta.db_table  # noqa: SLF001
        expected, actual = header.counts.get(table), model._default_manager.count()  # noqa: SLF001
        if expected not in {None, actual}:
            yield (
                f"{table} has {counted(actual, 'row')}, and the backup had {expected:,}. "
                "Do not release the mail before you know why; restore another backup if you can."
            )
