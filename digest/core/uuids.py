"""Rows that a link, a mail address or a Message-ID may name: each has a random value of its own.

An id is given again after a restore: a database that is restored from yesterday's dump gives the
ids of today to other rows. So whatever leaves the installation under an id is bound to the row's
UUID too (digest.core.links). The database sets it, by whichever way a row comes in.
"""

from uuid import UUID

from django.contrib.postgres.functions import RandomUUID
from django.db import models


class HasUuid(models.Model):
    """The column of a row that something outside the database names."""

    # 122 bits of the database's secure generator. No index: the row is found by its id.
    uuid = models.UUIDField(db_default=RandomUUID(), editable=False)

    class Meta:
        abstract = True


def as_uuid(text: str) -> UUID | None:
    """Return the UUID that a text is, None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None
