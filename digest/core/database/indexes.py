"""Indexes that several tables have."""

from typing import Any

from django.db import models


def partial_index(name: str, *fields: str, **condition: Any) -> models.Index:
    """Return an index of the rows for which a condition holds, as in `filter`."""
    return models.Index(fields=fields, condition=models.Q(**condition), name=name)
