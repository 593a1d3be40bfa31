"""Transfers that wait for a worker: one takes each under a lease, and reports how far it is.

    add_list, add_files, add_service  what a person uploaded, or access to an API
    begin, check_again, read_list_again, discard  what a person decided after they saw what is in it
    run_due  pack, fetch, read or import what is due
    delete_old  what nobody imported within a day, and old reports

A worker that dies leaves its lease; another one begins again, which changes nothing that is done.
"""

import gzip
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from digest.core import clock, jobs, sealing
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.core.text import one_line
from digest.newsletters.models import Newsletter
from digest.subscribers.errors import ImportFileError
from digest.subscribers.importing.files import unpacked
from digest.transfers import contents, packing, plain_lists, remote
from digest.transfers.errors import LeaseLostError, TransferError
from digest.transfers.models import LONGEST_FILE_NAME, Transfer
from digest.transfers.options import Options
from digest.transfers.running import run_transfer
from digest.transfers.services import service_of

LEASE = timedelta(minutes=5)  # renewed while something happens
RENEWED = 2.0  # seconds
MOST_ATTEMPTS = 3
KEEP_CONTENT = timedelta(days=1)
KEEP_REPORT = timedelta(days=30)
_GAVE_UP = (
    "Three workers began this and none came to the end. Ask the operator for their log, or import "
    "the file with `digest {command}`."
)
_LARGE = ("content", "skipped")  # columns that nothing but its own step loads
State = Transfer.State
log = structlog.get_logger(__name__)


def add_list(
    path: Path, file_name: str, newsletter: Newsletter, consent: str, limit: int, now: datetime
) -> Transfer:
    """Store an uploaded list of at most `limit` bytes, alone or in a zip archive.

    A worker checks its rows. Raises ImportFileError for what is not a list.
    """
    with unpacked(path) as (list_path, inner_name):
        name = file_name if list_path == path else inner_name
        reading = plain_lists.read(list_path, name, newsletter)
        if list_path.stat().st_size > limit:
            raise ImportFileError(f"The list is larger than {limit // 1_000_000} MB, unpacked.")
        return _add(
            newsletter,
            Options(consent, suppress=False),
            now,
            list_path,
            state=State.CHECKING,
            file_name=one_line(name, LONGEST_FILE_NAME) or "list.csv",
            reading=reading,
        )


def add_files(
    paths: list[tuple[Path, str]], newsletter: Newsletter, options: Options, now: datetime
) -> Transfer:
    """Store what was uploaded, each file with its name; it is packed and read by a worker."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "bundle"
        packing.bundle(paths, target)
        names = ", ".join(one_line(name, 100) for _, name in paths)
        file_name = one_line(names, LONGEST_FILE_NAME)
        return _add(newsletter, options, now, target, state=State.PACKING, file_name=file_name)


def add_service(
    service: str, address: str, key: str, newsletter: Newsletter, options: Options, now: datetime
) -> Transfer:
    """Store access to a service's API; what it has is fetched by a worker, and the key deleted."""
    remote.check_access(service, address, key)
    return _add(
        newsletter,
        options,
        now,
        state=State.FETCHING,
        service=service,
        address=address.strip(),
        sealed_key=sealing.seal(key.strip()),
        file_name=service_of(service).name,
    )


def check_again(transfer: Transfer, options: Options) -> bool:
    """Let it be read again with other options; return False if it is being worked on, or over."""
    return _enqueue(transfer, State.CHECKING, options)


def read_list_again(transfer: Transfer, reading: plain_lists.Reading, *, suppress: bool) -> bool:
    """Let a list be checked again as a person wants it read; False if it is in work, or over.

    Raises ImportFileError where that makes no sense.
    """
    if transfer.is_working or transfer.finished_at:
        return False
    options = replace(options_of(transfer), suppress=suppress)
    corrected = plain_lists.read_otherwise(transfer, reading)
    return _enqueue(transfer, State.CHECKING, options, reading=corrected)


def begin(transfer: Transfer) -> bool:
    """Begin the import; return False if it has begun, or is over."""
    return _enqueue(transfer, State.IMPORTING, options_of(transfer))


def options_of(transfer: Transfer) -> Options:
    """Return what was chosen for a transfer."""
    return Options(
        consent=transfer.consent,
        list_name=transfer.list_name,
        issues=transfer.issues,
        suppress=transfer.suppress,
        affirmed=transfer.affirmed,
    )


def skipped_rows(transfer: Transfer) -> bytes:
    """Return the rows that were not imported, as CSV."""
    return gzip.decompress(transfer.skipped) if transfer.skipped else b""


def run_due(now: datetime) -> None:
    """Do what transfers wait for, one after the other."""
    delete_old(now)
    due = Transfer.objects.filter(state__in=Transfer.WORKING).order_by("created_at")
    idle = due.filter(lease_until=None) | leases.expired(due, now)
    while rows := leases.claim(
        idle,
        1,
        clock.now() + LEASE,
        related=("newsletter__publication",),
        deferred=_LARGE,
    ):
        _work_on(rows[0])


def delete_old(now: datetime) -> None:
    """Delete what nobody imported within a day, and old reports; nothing that is in work."""
    rows = Transfer.objects.defer(*_LARGE)
    idle = rows.exclude(Q(state=State.IMPORTING) | Q(lease_until__gte=now))
    unfinished = idle.filter(finished_at=None, created_at__lt=now - KEEP_CONTENT)
    reports = idle.filter(created_at__lt=now - KEEP_REPORT)
    (unfinished | reports).delete()


def discard(transfer: Transfer) -> bool:
    """Delete an export that nobody imports; return False if it is in work, or was imported."""
    rows = Transfer.objects.filter(pk=transfer.pk, state__in=[State.CHECKED, State.FAILED])
    return bool(rows.defer(*_LARGE).delete()[0])


@transaction.atomic
def _add(
    newsletter: Newsletter,
    options: Options,
    now: datetime,
    path: Path | None = None,
    **values: Any,
) -> Transfer:
    """Add a transfer, with a file as its content."""
    defaults: dict[str, Any] = {"content": b"", "skipped": b""}
    transfer = Transfer.objects.create(
        newsletter=newsletter, created_at=now, **defaults | _values(options) | values
    )
    if path:
        contents.store(transfer, path)
    jobs.enqueue(jobs.RUN_TRANSFERS)
    return transfer


def _values(options: Options) -> dict[str, Any]:
    names = ("consent", "list_name", "issues", "suppress", "affirmed")
    return {name: getattr(options, name) for name in names}


def _enqueue(transfer: Transfer, state: State, options: Options, **changes: Any) -> bool:
    waiting = [State.CHECKED, State.FAILED] if state == State.CHECKING else [State.CHECKED]
    rows = Transfer.objects.filter(pk=transfer.pk, state__in=waiting).exclude(content=b"")
    fresh = {"state": state, "progress": 0, "attempts": 0, "problem": "", **_values(options)}
    if not rows.update(**fresh, **changes):
        return False
    jobs.enqueue(jobs.RUN_TRANSFERS)
    return True


def _work_on(transfer: Transfer) -> None:
    """Do the next step of a transfer under its lease."""
    lease = _Lease(transfer)
    if transfer.attempts >= MOST_ATTEMPTS:
        command = "subscriber import" if transfer.reading else "import"
        _fail(transfer, lease, _GAVE_UP.format(command=command))
        return
    Transfer.objects.filter(pk=transfer.pk).update(attempts=transfer.attempts + 1)
    try:
        _STEPS.get(State(transfer.state), _run)(transfer, lease)
    except LeaseLostError as problem:
        log.warning("transfer left to another worker", transfer=transfer.pk, problem=str(problem))
    except DigestError as problem:
        _fail(transfer, lease, str(problem))


def _fail(transfer: Transfer, lease: "_Lease", problem: str) -> None:
    """End a transfer; uploads that are not packed could not be read as an export.

    What an earlier check found would look like what was imported, unless an import has begun.
    """
    changes: dict[str, Any] = {"content": b""} if transfer.state == State.PACKING else {}
    if transfer.state != State.IMPORTING:
        changes["report"] = {}
    lease.finish(state=State.FAILED, problem=problem, sealed_key="", **changes)


class _Lease:
    """The lease of a transfer, renewed with its progress."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._renewed = time.monotonic()

    def report(self, share: float) -> None:
        """Store the progress, every few seconds; raise LeaseLostError if the lease is lost."""
        if time.monotonic() < self._renewed + RENEWED:
            return
        self._renewed = time.monotonic()
        until = clock.now() + LEASE
        row = self._transfer
        leased = Transfer.objects.filter(pk=row.pk, lease_until=row.lease_until)
        if not leased.update(lease_until=until, progress=round(share * 100)):
            raise LeaseLostError("the lease ran out")
        row.lease_until = until

    def finish(self, **changes: Any) -> bool:
        """Write what came of it; False where the lease was lost."""
        return leases.finish(self._transfer, **{"progress": 0, **changes})

    @transaction.atomic
    def store(self, path: Path, **changes: Any) -> None:
        """Write what came of it, with a file as its content from now on."""
        if self.finish(**changes):
            contents.store(self._transfer, path)


def _pack(transfer: Transfer, lease: _Lease) -> None:
    """Make one archive of what was uploaded."""
    with tempfile.TemporaryDirectory() as name:
        folder, target = Path(name), Path(name) / "export.zip"
        uploaded = folder / "bundle"
        contents.write(transfer, uploaded)
        packing.pack(packing.unbundle(uploaded, folder), target, lease.report)
        _require_size(target, "This export is too large for the console.")
        lease.store(target, state=State.CHECKING, attempts=0)


def _fetch(transfer: Transfer, lease: _Lease) -> None:
    """Fetch what the service has, and forget the key, which is not needed now."""
    key = sealing.unseal(transfer.sealed_key)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "export.zip"
        remote.fetch_all(
            transfer.service, transfer.address, key, transfer.list_name, target, lease.report
        )
        _require_size(target, "What this service has is too much for the console.")
        lease.store(target, state=State.CHECKING, attempts=0, sealed_key="")


def _require_size(path: Path, problem: str) -> None:
    """Raise TransferError if an export is too large to be stored."""
    if path.stat().st_size > remote.LARGEST:
        raise TransferError(f"{problem} Use `digest import` instead.")


def _run(transfer: Transfer, lease: _Lease) -> None:
    """Read or import the list, or the export."""
    dry_run = transfer.state == State.CHECKING
    with tempfile.TemporaryDirectory() as folder:
        path, skipped = Path(folder) / "content", Path(folder) / "skipped.csv"
        contents.write(transfer, path)
        run = _run_list if transfer.reading else _run_export
        changes = run(
            path,
            transfer,
            now=clock.now(),
            dry_run=dry_run,
            skipped_to=None if dry_run else skipped,
            on_progress=lease.report,
        )
        if dry_run:
            lease.finish(**changes, state=State.CHECKED)
            return
        rows = gzip.compress(skipped.read_bytes(), 6)
    finished = {"state": State.FINISHED, "finished_at": clock.now(), "skipped": rows}
    lease.finish(**changes, **finished, content=b"")


def _run_list(path: Path, transfer: Transfer, **named: Any) -> dict[str, Any]:
    return {"report": plain_lists.run(path, transfer, **named)}


def _run_export(path: Path, transfer: Transfer, **named: Any) -> dict[str, Any]:
    options = options_of(transfer)
    report = run_transfer(path, transfer.newsletter, options, transfer=transfer, **named)
    return {"report": report.values(), "service": report.service or transfer.service}


_STEPS: dict[State, Callable[[Transfer, _Lease], None]] = {
    State.PACKING: _pack,
    State.FETCHING: _fetch,
}  # the others are read or imported
