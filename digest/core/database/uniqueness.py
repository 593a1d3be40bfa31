"""Writes that are refused because a value that must be unique exists already."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation


@contextmanager
def refuse_duplicate(refusal: Exception) -> Iterator[None]:
    """Write in a savepoint, and raise `refusal` if a unique value exists already.

    Any other violation of a constraint is raised as it is.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as cause:
        if isinstance(cause.__cause__, UniqueViolation):
            raise refusal from cause
        raise
