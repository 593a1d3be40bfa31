"""When the last backup was made: in the database, so that every machine can say so."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError

from digest.installation.models import Installation

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup."""

    made_at: datetime  # UTC
    path: str  # on the machine that made it
    size: int  # bytes


def write(backup: LastBackup) -> None:
    """Remember a backup. Never raises: the backup itself is made by then."""
    values = {
        "backup_at": backup.made_at,
        "backup_path": backup.path,
        "backup_size": backup.size,
    }
    try:
        Installation.objects.update_or_create(pk=Installation.ONLY_ROW, defaults=values)
    except DatabaseError as problem:
        log.warning("last backup not recorded", problem=str(problem).strip())


def read() -> LastBackup | None:
    """Return the last backup; None if `digest backup` made none."""
    installation = Installation.objects.filter(pk=Installation.ONLY_ROW).first()
    if installation is None or installation.backup_at is None:
        return None
    return LastBackup(
        installation.backup_at, installation.backup_path, installation.backup_size or 0
    )
