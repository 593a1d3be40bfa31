"""Count the time that passes in the database, and let others know how far it went."""

from datetime import datetime

from django.db.models import F

from digest.installation import holds, witnesses
from digest.installation.models import Installation


def beat(now: datetime) -> None:
    """Count once, in the database first. While mail is held nothing is counted."""
    if holds.check(now):
        return
    installation = installation_row()
    Installation.objects.filter(pk=installation.pk).update(beats=F("beats") + 1, beat_at=now)
    installation.refresh_from_db()
    witnesses.write(installation.key, installation.beats)


def installation_row() -> Installation:
    """Return the row, made when it is first needed."""
    installation, _created = Installation.objects.get_or_create(pk=Installation.ONLY_ROW)
    return installation
