"""Whether the database is reachable, migrated, and fit for every text."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError

from digest.core import clock
from digest.core.database import pooler
from digest.core.database.schema import compare_schema
from digest.core.database.statements import fetch_row
from digest.core.findings import Finding, fail, ok, warn
from digest.installation import clocks

MAX_SKEW = timedelta(seconds=5)  # between our clock and PostgreSQL's


def check_database(now: datetime) -> Iterator[Finding]:
    """PostgreSQL answers, is migrated, and its clock agrees with ours."""
    try:
        version, encoding, server_time = fetch_row(
            "SELECT current_setting('server_version'), current_setting('server_encoding'), "
            "clock_timestamp()"
        )
        difference = compare_schema()
    except DatabaseError as problem:
        reason = (str(problem).strip().splitlines() or ["no reason given"])[-1]
        yield fail(
            f"PostgreSQL cannot be used: {reason}", "Start it, or correct DIGEST_DATABASE_URL."
        )
        return
    yield ok(f"PostgreSQL {version.split()[0]} answers.")
    yield from check_encoding(encoding)
    yield from check_pooler()
    if difference.problem:
        yield fail(difference.problem, difference.advice)
    else:
        yield ok("The database is up to date.")
    if message := clocks.reported():
        yield warn(message, "Leases and slots are wrong by as much.")
    elif abs(server_time - now) > MAX_SKEW:
        yield warn(
            f"PostgreSQL's clock says {clock.format_moment(server_time)}, "
            f"ours {clock.format_moment(now)}.",
            "Synchronise the clocks of both machines.",
        )


def check_pooler() -> Iterator[Finding]:
    """A pooler between us and PostgreSQL is declared, so that we do without what it lacks."""
    if settings.DIGEST_DATABASE_POOLED or not pooler.is_between():
        return
    yield fail(
        "PostgreSQL is reached through a pooler, such as PgBouncer.",
        "Set DIGEST_DATABASE_POOLED=1 (docs/operating.md), or exports break off in its transaction "
        "mode. `digest migrate` and `digest backup` need the server itself.",
    )


def check_encoding(encoding: str) -> Iterator[Finding]:
    """The database stores text of every script, as articles have it."""
    if encoding != "UTF8":
        yield fail(
            f"The database is encoded in {encoding}, which cannot store every article.",
            "Create a new one: createdb --encoding=UTF8 --template=template0 digest",
        )
