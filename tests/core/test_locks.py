"""Advisory locks: one holder for a purpose and key."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from digest.core import locks
from digest.core.locks import Purpose

pytestmark = pytest.mark.django_db(transaction=True)


def is_free(purpose: Purpose, key: int | str) -> bool:
    """Say whether another connection could take the lock."""

    def take() -> bool:
        with transaction.atomic():
            is_locked = locks.try_lock(purpose, key)
        connection.close()
        return is_locked

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
