"""Registers the package with Django."""

from django.apps import AppConfig


class CliConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.cli"
