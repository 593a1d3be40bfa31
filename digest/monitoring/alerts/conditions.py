"""What is wrong at the moment, each under a key by which it is recognised again."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import redis

from digest.core import clock
from digest.core.telemetry.processes import Process, running_processes
from digest.installation import holds
from digest.installation.models import Installation
from digest.issues.building import is_unwanted_skip
from digest.issues.lateness import late_issues
from digest.issues.models import Issue
from digest.relays.models import Relay

BEAT_SILENT = timedelta(minutes=5)
LEAST_FREE = 2_000_000_000  # bytes; docs/monitoring/alerts.yml warns below it
MISSED_WITHIN = timedelta(hours=6)  # issues that were skipped earlier are not news


def current_conditions(now: datetime) -> dict[str, str]:
    """Return what is wrong: a sentence that says what to do, by key."""
    return {
        **dict(_processes(now)),
        **dict(_hold(now)),
        **dict(_issues(now)),
        **dict(_relays()),
    }


def _processes(now: datetime) -> Iterator[tuple[str, str]]:
    try:
        running = running_processes(now)
    except (redis.RedisError, OSError):
        yield "valkey", "Valkey cannot be reached: sign-ups are refused. Start it."
        return
    yield from _disks(running)
    names = {process.process for process in running}
    if "worker" not in names:
        yield "worker", "No worker runs: nothing is sent. Start one with `digest worker`."
    elif "beat" not in names:
        yield "beat", "No beat runs: slots are not noticed. Start it with `digest beat`."


def _disks(running: list[Process]) -> Iterator[tuple[str, str]]:
    """Name the disks of data folders with little room: without any nothing is sent there."""
    users: dict[str, list[Process]] = {}
    for process in running:
        if process.free is not None:
            users.setdefault(process.disk or process.host, []).append(process)
    for disk, processes in users.items():
        octets = min(process.free or 0 for process in processes)
        if octets < LEAST_FREE:
            hosts = ", ".join(sorted({process.host for process in processes}))
            yield (
                f"disk:{disk}",
                (
                    f"{octets / 1e9:.1f} GB are free on the disk of the data folder of {hosts}. "
                    "Free some room: without it nothing is sent."
                ),
            )


def _hold(now: datetime) -> Iterator[tuple[str, str]]:
    """Say that mail is held; otherwise whether ticks of beat are done."""
    if hold := holds.current():
        yield "hold", f"Mail is held: {hold.get_reason_display()}. See `digest hold show`."
        return
    beat_at = Installation.objects.values_list("beat_at", flat=True).first()
    if beat_at and now - beat_at > BEAT_SILENT:
        since = clock.format_moment(beat_at)
        yield "ticks", f"No tick of beat was done since {since}. See the logs of worker and beat."


def _issues(now: datetime) -> Iterator[tuple[str, str]]:
    for late in late_issues(now):
        due = clock.format_moment(late.due_at)
        yield (
            f"late:{late.newsletter}:{late.due_at:%Y%m%dT%H%M}",
            (
                f"The issue of {late.newsletter} that was due {due} has not begun to go out. "
                "Run `digest doctor`, and see the workers' log."
            ),
        )
    skipped = Issue.objects.filter(state=Issue.State.SKIPPED, built_at__gt=now - MISSED_WITHIN)
    for issue in skipped.select_related("newsletter"):
        if is_unwanted_skip(issue):
            slot = clock.format_moment(issue.slot)
            yield (
                f"missed:{issue.pk}",
                f"{issue.newsletter.name} of {slot} was not sent. {issue.reason}",
            )


def _relays() -> Iterator[tuple[str, str]]:
    for relay in Relay.objects.filter(active=True).exclude(down_since=None):
        assert relay.down_since is not None
        since = clock.format_moment(relay.down_since)
        yield (
            f"relay:{relay.name}",
            f"The mail server {relay.name} is down since {since}: {relay.problem}",
        )
