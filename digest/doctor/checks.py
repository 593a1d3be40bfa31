"""Is this installation fit to send? One small function for each question `digest doctor` asks.

    examine(now)    all questions, in order; what needs the database is left out without one

Each returns findings: what is so, whether that is well, and what to do if it is not. Looking
changes nothing.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import redis
from celery import Celery
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from digest.articles.models import Source
from digest.core import clock, jobs
from digest.core.findings import Finding, Level, fail, ok, warn
from digest.newsletters.models import Newsletter

SHORTEST_KEY = 32  # characters
ROOM = 1 << 30  # bytes free that a sending installation should have
LATE = timedelta(minutes=15)  # a source that is due for so long is polled by nobody
SKEW = timedelta(seconds=5)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


Check = Callable[[datetime], Iterator[Finding]]


def examine(now: datetime, mail: tuple[Check, ...] = ()) -> Iterator[Finding]:
    """Ask everything; `mail` are questions about the relay and the senders, asked last."""
    stored = list(database(now))
    yield from stored
    checks: list[Check] = [valkey, workers, base_url, secret_key, hosts, data_folder]
    if all(finding.level is not Level.FAIL for finding in stored):
        checks += [beat, newsletters, *mail]
    for check in checks:
        yield from check(now)


def database(now: datetime) -> Iterator[Finding]:
    """PostgreSQL answers, is migrated, and agrees about the time."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('server_version'), current_setting('server_encoding'), "
                "clock_timestamp()"
            )
            version, encoding, their_now = cursor.fetchone()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        words = (str(problem).strip().splitlines() or ["no reason given"])[-1]
        yield fail(f"PostgreSQL cannot be used: {words}", "Start it, or mend DIGEST_DATABASE_URL.")
        return
    yield ok(f"PostgreSQL {version.split()[0]} answers.")
    yield from _fit_to_hold_text(encoding)
    if missing:
        yield fail(f"{len(missing)} migrations have not been run.", "Run `digest migrate`.")
    else:
        yield ok("The database is up to date.")
    if abs(their_now - now) > SKEW:
        yield warn(
            f"PostgreSQL's clock says {clock.format_moment(their_now)}, ours {clock.format_moment(now)}.",
            "Synchronise the clocks of both machines.",
        )


def _fit_to_hold_text(encoding: str) -> Iterator[Finding]:
    """Articles come in every script; a database in any other encoding refuses some of them."""
    if encoding != "UTF8":
        yield fail(
            f"The database is encoded in {encoding}, which cannot hold every article.",
            "Make a new one: createdb --encoding=UTF8 --template=template0 digest",
        )


def valkey(_now: datetime) -> Iterator[Finding]:
    """Valkey (or Redis) answers."""
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_connect_timeout=2, socket_timeout=2
        ) as server:
            server.ping()
    except (redis.RedisError, OSError, ValueError) as problem:
        yield fail(f"Valkey cannot be used: {problem}", "Start it, or mend DIGEST_REDIS_URL.")
    else:
        yield ok("Valkey answers.")


def workers(_now: datetime) -> Iterator[Finding]:
    """A worker answers, and every queue is served by one."""
    asker = Celery("digest-doctor", broker=settings.DIGEST_BROKER_URL, set_as_current=False)
    asker.conf.update(settings.DIGEST_BROKER_OPTIONS)
    try:
        answers = asker.control.inspect(timeout=1.5).active_queues() or {}
    except Exception as problem:  # noqa: BLE001  kombu lets any of its transports' errors through
        yield fail(f"No worker can be asked: {problem}", "Mend Valkey first.")
        return
    if not answers:
        yield fail("No worker answers.", "Start one with `digest worker`.")
        return
    served = {queue["name"] for queues in answers.values() for queue in queues}
    yield ok(f"{len(answers)} worker{'s'[: len(answers) > 1]} answering.")
    if unserved := sorted({jobs.queue_of(name) for name in jobs.NAMES} - served):
        yield fail(
            f"No worker serves the queue {', '.join(unserved)}.",
            "Start one with `digest worker`, without --queues.",
        )


def beat(now: datetime) -> Iterator[Finding]:
    """Beat asks for work: no source has been due for long."""
    polled = Source.objects.filter(gone_at__isnull=True).exclude(kind=Source.Kind.PUSHED)
    due = polled.order_by("next_poll_at").first()
    if due is None:
        yield warn(
            "Whether beat runs shows only when there is a source to poll.",
            "Add one with `digest source add URL --newsletter SLUG`.",
        )
    elif due.next_poll_at < now - LATE:
        yield fail(
            f"{due.url} has been due since {clock.format_moment(due.next_poll_at)}: nobody polls it.",
            "Start beat with `digest beat`, and a worker.",
        )
    else:
        yield ok("Sources are polled when they are due: beat runs.")


def newsletters(_now: datetime) -> Iterator[Finding]:
    """Every active newsletter has something to pick from."""
    active = Newsletter.objects.filter(active=True).order_by("slug")
    if not active:
        yield warn(
            "No newsletter is active.", "Make one: `digest newsletter add --help` tells how."
        )
    for newsletter in active.filter(sources__isnull=True, sections__picks__isnull=True).distinct():
        yield warn(
            f"{newsletter.slug} has no source.",
            f"Add one with `digest source add URL --newsletter {newsletter.slug}`.",
        )


def base_url(_now: datetime) -> Iterator[Finding]:
    """Links in mails lead somewhere, by https (RFC 8058 §3.1 asks for it)."""
    parts = urlsplit(settings.DIGEST_BASE_URL)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        yield fail(
            f"DIGEST_BASE_URL is {settings.DIGEST_BASE_URL!r}.",
            "Set it to the public address, such as https://news.example.org.",
        )
    elif parts.hostname in LOOPBACK:
        yield warn(
            f"Links in mails lead to {settings.DIGEST_BASE_URL}, which is this machine only.",
            "For real subscribers set DIGEST_BASE_URL to the public https address.",
        )
    elif parts.scheme != "https":
        yield fail(
            f"Links in mails lead to {settings.DIGEST_BASE_URL}, without TLS.",
            "One-click unsubscribing needs https (RFC 8058); set DIGEST_BASE_URL so.",
        )
    else:
        yield ok(f"Links in mails lead to {settings.DIGEST_BASE_URL}.")


def secret_key(_now: datetime) -> Iterator[Finding]:
    """Subscribers' links cannot be guessed."""
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield fail(
            f"DIGEST_SECRET_KEY has {len(settings.SECRET_KEY)} characters.",
            f"Set a random one of at least {SHORTEST_KEY}; the present one stays good for links "
            "already sent if it moves to DIGEST_SECRET_KEY_FALLBACKS.",
        )
    else:
        yield ok("The secret key is long enough.")
    if settings.DEBUG:
        yield warn("DIGEST_DEBUG is on: errors show the code to anyone.", "Turn it off.")


def hosts(_now: datetime) -> Iterator[Finding]:
    """The web process answers to its own public name, and to no other."""
    name = urlsplit(settings.DIGEST_BASE_URL).hostname or ""
    allowed = settings.ALLOWED_HOSTS
    if "*" in allowed:
        yield warn(
            "DIGEST_ALLOWED_HOSTS is *: any name is answered.", f"Set it to {name or 'the name'}."
        )
    elif not any(
        name == host or (host.startswith(".") and f".{name}".endswith(host))
        for host in (entry.strip("[]").lower() for entry in allowed)
    ):
        yield fail(
            f"The web process refuses {name}, where links in mails lead.",
            f"Add {name} to DIGEST_ALLOWED_HOSTS.",
        )
    else:
        yield ok(f"The web process answers to {name}.")


def data_folder(_now: datetime) -> Iterator[Finding]:
    """There is a folder to write to, with room."""
    folder = settings.DIGEST_DATA_DIR
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fail(f"{folder} cannot be written to.", "Make it, or set DIGEST_DATA_DIR to another.")
        return
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        yield warn(f"Only {free >> 20:,} MB are free on the disk of {folder}.", "Free some room.")
    else:
        yield ok(f"{folder} can be written to; {free >> 30:,} GB are free.")
