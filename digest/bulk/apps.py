"""Registers the package with Django."""

from django.apps import AppConfig


class BulkConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.bulk"
