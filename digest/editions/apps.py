"""Registers the package with Django."""

from django.apps import AppConfig


class EditionsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.editions"
