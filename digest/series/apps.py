"""Registers the package with Django."""

from django.apps import AppConfig


class SeriesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.series"
