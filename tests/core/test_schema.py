"""The schema of the database against the migrations of the code."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from digest.core.database.schema import compare_schema, require_current_schema
from digest.core.errors import ConfigurationError

pytestmark = pytest.mark.django_db


def test_a_migrated_database_is_current() -> None:
    """Nothing is wrong, and a process may start."""
    difference = compare_schema()
    assert (difference.missing, difference.unknown, difference.problem) == ((), (), "")
    require_current_schema()


def test_an_older_database_asks_to_be_migrated() -> None:
    """A process does not start on it: its first query would fail in the middle of a job."""
    MigrationRecorder(connection).record_unapplied("webhooks", "0001_initial")
    assert compare_schema().missing == ("webhooks.0001_initial",)
    with pytest.raises(ConfigurationError, match=r"is older than this code.*Run `digest migrate`"):
        require_current_schema()


def test_an_empty_database_is_older() -> None:
    """It has not even the table that says what has been run."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")
    assert "sending.0001_initial" in compare_schema().missing


def test_a_newer_database_asks_for_newer_code() -> None:
    """An old version does not start on it; what another project left there is not ours."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("blog", "0001_initial")
    assert not compare_schema().problem
    recorder.record_applied("sending", "0099_from_tomorrow")
    recorder.record_applied("sending", "0100_from_next_week")
    with pytest.raises(
        ConfigurationError, match=r"newer than this code \(sending.0099_from_tomorrow and 1 more\)"
    ):
        require_current_schema()
