"""Registers the package with Django."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.embedded"
