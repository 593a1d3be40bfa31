"""When the last backup was made on this machine: a file in the data folder."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The last backup."""

    made_at: datetime  # UTC
    path: str
    size: int  # bytes


def write(backup: LastBackup) -> None:
    """Remember a backup. Never raises: the backup itself is made by then."""
    values = asdict(backup) | {"made_at": backup.made_at.isoformat()}
    unfinished = _path().with_suffix(".new")
    try:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(values))
        unfinished.replace(_path())
    except OSError as problem:
        log.warning("last backup not recorded", problem=str(problem))


def read() -> LastBackup | None:
    """Return the last backup; None if none was made here."""
    try:
        values = json.loads(_path().read_text())
        return LastBackup(**values | {"made_at": datetime.fromisoformat(values["made_at"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path() -> Path:
    return Path(settings.DIGEST_DATA_DIR) / "last_backup.json"
