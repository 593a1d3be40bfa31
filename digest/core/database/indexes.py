"""Indexes that several tables have."""

from django.db import models


def where_set(field: str, name: str) -> models.Index:
    """Return an index over a column that most rows leave empty: of those that have a value."""
    condition = models.Q(**{f"{field}__isnull": False})
    return models.Index(fields=[field], condition=condition, name=name)
