"""Registers the package with Django."""

from django.apps import AppConfig


class HooksConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.hooks"
