"""The first part of a backup: what it is, of which moment, and of which schema."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from digest.backups.errors import BackupError

FORMAT = 1  # of the parts and of this header


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself."""

    format: int
    digest: str  # the version that made it
    made_at: datetime  # UTC, by the database's clock: what came later is missing
    server: int  # PostgreSQL's version
    pg_dump: int  # and that of the program that dumped it
    installation: str  # its key (digest.installation)
    beats: int
    migrations: list[str] = field(default_factory=list)  # that were applied, each `app.name`
    counts: dict[str, int] = field(default_factory=dict)  # rows, by table
    bucket: str = ""  # what is said of pictures that are not in the file

    def values(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"made_at": self.made_at.isoformat()}

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Return a header from JSON. Raises BackupError if a newer version wrote it."""
        if values.get("format") != FORMAT:
            raise BackupError(
                f"This backup was made by Digest {values.get('digest')}, which is newer. Install "
                "that version or a newer one."
            )
        return cls(**values | {"made_at": datetime.fromisoformat(values["made_at"])})
