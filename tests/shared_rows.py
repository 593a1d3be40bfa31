"""Rows that all tests of a module share: made once, where a walk takes hundreds of steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

Rows = TypeVar("Rows")


@contextmanager
def shared_rows(blocker: DjangoDbBlocker, make: Callable[[], Rows]) -> Iterator[Rows]:
    """Make rows in a transaction that is rolled back at the end; yield what `make` returns.

    The transaction of each test becomes a savepoint in it, so no test sees what another changed.
    """
    transaction_of_all = transaction.atomic()
    with blocker.unblock():
        transaction_of_all.__enter__()
        rows = make()
    yield rows
    with blocker.unblock():
        transaction.set_rollback(True)
        transaction_of_all.__exit__(None, None, None)
