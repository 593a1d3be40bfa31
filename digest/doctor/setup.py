"""Whether public address, secret key, data folder and newsletters are set up."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from digest.backups import last
from digest.core import clock
from digest.core.env import MIN_KEY_LENGTH
from digest.core.errors import DigestError
from digest.core.findings import Finding, fail, ok, warn
from digest.installation import room
from digest.newsletters.models import Newsletter
from digest.pictures import storage

MAX_BACKUP_AGE = timedelta(days=7)
MIN_FREE = 1 << 30  # bytes of disk that a sending installation needs
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_base_url(_now: datetime) -> Iterator[Finding]:
    """Links in mails lead to a public address, over https (RFC 8058 §3.1 requires it)."""
    parts = urlsplit(settings.DIGEST_BASE_URL)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        yield fail(
            f"DIGEST_BASE_URL is {settings.DIGEST_BASE_URL!r}.",
            "Set it to the public address, such as https://news.example.org.",
        )
    elif parts.hostname in LOOPBACK:
        yield warn(
            f"Links in mails lead to {settings.DIGEST_BASE_URL}, which only this machine can open.",
            "For real subscribers set DIGEST_BASE_URL to the public https address.",
        )
    elif parts.scheme != "https":
        yield fail(
            f"Links in mails lead to {settings.DIGEST_BASE_URL}, without TLS.",
            "One-click unsubscribe requires https (RFC 8058): change DIGEST_BASE_URL.",
        )
    else:
        yield ok(f"Links in mails lead to {settings.DIGEST_BASE_URL}.")


def check_secret_key(_now: datetime) -> Iterator[Finding]:
    """Nobody can guess subscribers' links."""
    if len(settings.SECRET_KEY) < MIN_KEY_LENGTH:
        yield fail(
            f"DIGEST_SECRET_KEY has {len(settings.SECRET_KEY)} characters.",
            f"Set a random one of at least {MIN_KEY_LENGTH}.",
        )
    else:
        yield ok("The secret key is long enough.")
    if settings.DEBUG:
        yield warn("DIGEST_DEBUG is on: errors show the code to anyone.", "Turn it off.")


def check_hosts(_now: datetime) -> Iterator[Finding]:
    """The web process answers to names that are its own, among them that of DIGEST_BASE_URL."""
    if "*" in settings.ALLOWED_HOSTS:
        yield warn(
            "DIGEST_ALLOWED_HOSTS is *: the web process answers to any name.",
            "Leave it out: the name in DIGEST_BASE_URL is always answered to.",
        )
    else:
        yield ok(f"The web process answers to {', '.join(sorted(settings.ALLOWED_HOSTS))}.")


def check_metrics(_now: datetime) -> Iterator[Finding]:
    """Whoever may read /metrics by address is not a proxy behind which everybody is."""
    if not settings.DIGEST_METRICS_ALLOW:
        return
    if settings.DIGEST_BASE_URL.startswith("https://") and not settings.DIGEST_TRUSTED_PROXIES:
        yield warn(
            "DIGEST_METRICS_ALLOW names who may read /metrics, but no proxy is known: through one "
            "that does not send X-Forwarded-For everybody may.",
            "Set DIGEST_TRUSTED_PROXIES to your proxy's addresses, or use DIGEST_METRICS_TOKEN.",
        )
    else:
        yield ok("/metrics can be read from the addresses in DIGEST_METRICS_ALLOW only.")


def check_data_folder(_now: datetime) -> Iterator[Finding]:
    """The data folder is writable and its disk has space."""
    folder = settings.DIGEST_DATA_DIR
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fail(f"{folder} is not writable.", "Create it, or set DIGEST_DATA_DIR to another.")
        return
    if message := room.reported():
        yield fail(message, "Free up some space; sending goes on by itself.")
    free = shutil.disk_usage(folder).free
    if free < room.LEAST:
        yield fail(
            f"Only {free >> 20:,} MB are free on the disk of {folder}, so nothing is sent.",
            "Free up some space; sending goes on by itself.",
        )
    elif free < MIN_FREE:
        yield warn(
            f"Only {free >> 20:,} MB are free on the disk of {folder}.", "Free up some space."
        )
    else:
        yield ok(f"{folder} is writable; {free >> 30:,} GB are free.")


def check_backup(now: datetime) -> Iterator[Finding]:
    """A backup was made within the last week."""
    backup = last.read()
    if backup is None:
        yield ok("No backup was made by `digest backup` (docs/backup.md).")
        return
    summary = f"The last backup is of {clock.format_moment(backup.made_at)} ({backup.path})."
    if now - backup.made_at > MAX_BACKUP_AGE:
        yield warn(summary, "Make one: digest backup FILE. See docs/backup.md.")
    else:
        yield ok(summary)


def check_pictures(_now: datetime) -> Iterator[Finding]:
    """The storage of pictures takes a file and gives it back."""
    name, content = "checks/doctor.txt", b"digest doctor"
    try:
        storage.save(name, content)
        is_same = storage.load(name) == content
    except (DigestError, FileNotFoundError) as problem:
        cause = problem.__cause__ or problem
        yield fail(
            f"Pictures cannot be stored: {cause}.",
            "Check the data folder, or DIGEST_PICTURES_BUCKET and the settings beside it.",
        )
        return
    if is_same:
        yield ok("The storage of pictures works.")
    else:
        yield fail("The storage of pictures gives back another file.", "Check what serves it.")


def check_newsletters(_now: datetime) -> Iterator[Finding]:
    """Every newsletter that is sent has a source of articles."""
    newsletters = Newsletter.objects.sending().order_by("slug")
    if not newsletters:
        yield warn(
            "No newsletter is live or private, so none is sent on schedule.",
            "Create one: `digest newsletter add --help` shows how.",
        )
    for newsletter in newsletters.filter(
        sources__isnull=True, layout__picks__isnull=True
    ).distinct():
        yield warn(
            f"{newsletter.slug} has no source.",
            f"Add one with `digest source add URL --newsletter {newsletter.slug}`.",
        )
