"""Advisory locks: one holder for a purpose and key."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from digest.core.database import locks
from digest.core.database.locks import Purpose

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lock_may_be_held_across_transactions() -> None:
    """Until its block ends, however it ends."""

    def hold_and_fail() -> None:
        with locks.hold(Purpose.MIGRATE):
            with transaction.atomic():
                pass
            assert not is_free(Purpose.MIGRATE, 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        hold_and_fail()
    assert is_free(Purpose.MIGRATE, 0)


def is_free(purpose: Purpose, key: int | str) -> bool:
    """Say whether another connection could take the lock."""

    def take() -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                locks.lock(purpose, key)
        except OperationalError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(take).result()


@pytest.mark.parametrize("key", [7, 2**40 + 7, "ines@reader.example", ""])
def test_a_lock_is_of_one_purpose_and_key_until_the_transaction_ends(key: int | str) -> None:
    """Others with another purpose, or another key, do not wait."""
    with transaction.atomic():
        locks.lock(Purpose.QUEUE_NOTICE, key)
        assert not is_free(Purpose.QUEUE_NOTICE, key)
        assert is_free(Purpose.BUILD_ISSUES, key)
        assert is_free(Purpose.QUEUE_NOTICE, "another")
    assert is_free(Purpose.QUEUE_NOTICE, key)


def test_every_advisory_lock_has_its_purpose_here() -> None:
    """A number that another module chose could be somebody else's."""
    home = Path(locks.__file__)
    modules = [path for path in home.parents[2].rglob("*.py") if path != home]
    assert [path for path in modules if re.search(r"pg_\w*advisory", path.read_text())] == []
