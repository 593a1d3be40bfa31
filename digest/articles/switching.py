"""Sources whose documents exceed the parser's limits are switched off, until a person decides."""

from datetime import datetime, timedelta

from digest.accounts import audit
from digest.articles.models import Source

MAX_KILLS = 3
FORGOTTEN = timedelta(days=30)  # after the last one: a feed may have been too large once

_REASON = (
    "It is switched off, because its documents took too much time or memory {kills} times. Check "
    "what it publishes, then switch it on again."
)


def count_kill(source: Source, now: datetime) -> None:
    """Note on a source that its document exceeded the limits; the third time switches it off.

    Nothing is saved.
    """
    last = source.parser_killed_at
    is_old = last is not None and now - last > FORGOTTEN
    source.parser_kills = 1 if is_old else source.parser_kills + 1
    source.parser_killed_at = now
    if source.parser_kills >= MAX_KILLS:
        source.switched_off_at = now
        source.problem = f"{source.problem} {off_reason(source)}".strip()


def off_reason(source: Source) -> str:
    """Return why a source is switched off, and what to do."""
    return _REASON.format(kills=source.parser_kills)


def record_switched_off(source: Source, now: datetime) -> None:
    """Record in the audit log that Digest switched a source off."""
    audit.record_command(
        "Digest",
        "switched a source off: it exceeded the parser's limits",
        now,
        target=str(source),
        publication_id=source.publication_id,
    )


def switch_on(source: Source, now: datetime) -> bool:
    """Let a source be polled again, at once; return False if it was not switched off."""
    return bool(
        Source.objects.filter(pk=source.pk, switched_off_at__isnull=False).update(
            switched_off_at=None,
            parser_kills=0,
            parser_killed_at=None,
            failures=0,
            problem="",
            next_poll_at=now,
        )
    )
