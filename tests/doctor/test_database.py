"""The check of PostgreSQL."""

from datetime import timedelta

import pytest

from digest.core import clock
from digest.core.findings import Level
from digest.doctor.database import check_database, check_encoding


@pytest.mark.django_db
@pytest.mark.real_clock
def test_a_migrated_database_with_the_right_time_is_fine() -> None:
    """Our clock is compared with the database's own."""
    assert {finding.level for finding in check_database(clock.now())} == {Level.OK}
    late = list(check_database(clock.now() - timedelta(minutes=1)))
    assert late[-1].level is Level.WARN
    assert "clock" in late[-1].summary


@pytest.mark.parametrize(("encoding", "problems"), [("UTF8", 0), ("SQL_ASCII", 1), ("LATIN1", 1)])
def test_a_database_that_cannot_store_every_script_fails(encoding: str, problems: int) -> None:
    """PostgreSQL's initdb in a container without a locale chooses SQL_ASCII."""
    assert len(list(check_encoding(encoding))) == problems
