"""A list that is imported in one tab, and checked, discarded or grown old in another."""

from datetime import timedelta

import pytest
from django.test import Client

from digest.newsletters.models import Newsletter
from digest.subscribers import imports
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import SubscriberImport
from tests.cast import NOON
from tests.console.test_importing import ROWS, owner, pressed, uploaded

__all__ = ["owner"]  # the fixture

pytestmark = pytest.mark.django_db


def check_again(row: SubscriberImport) -> None:
    """Check a list, as it was read, once more."""
    meanings, source = row.meanings, row.source
    imports.check(row, source=source, meanings=meanings, everyone=None, suppress=True, now=NOON)


def test_what_was_imported_meanwhile_is_neither_checked_nor_discarded(
    owner: Client,
    tide: Newsletter,
) -> None:
    """The list is not back, nor the report gone."""
    uploaded(owner, tide, ROWS)
    row = SubscriberImport.objects.get()
    pressed(owner, "import")
    with pytest.raises(SubscriberError, match="being imported, or has been"):
        check_again(row)
    with pytest.raises(SubscriberError, match="being imported, or has been"):
        imports.discard(row, NOON)
    stored = SubscriberImport.objects.get()
    assert stored.finished_at
    assert (bytes(stored.content), stored.suppress) == (b"", False)


def test_an_import_is_not_deleted_while_it_runs(
    owner: Client,
    tide: Newsletter,
) -> None:
    """It may have begun shortly before its day is over; that of a dead process goes."""
    uploaded(owner, tide, ROWS)
    row = SubscriberImport.objects.get()
    later = row.created_at + timedelta(hours=25)
    SubscriberImport.objects.update(begun_at=later - timedelta(minutes=5))
    assert "being imported, or has been" in pressed(owner, "discard")
    imports.delete_old(later)
    assert SubscriberImport.objects.exists()
    imports.delete_old(later + imports.LONGEST_RUN)
    assert not SubscriberImport.objects.exists()
