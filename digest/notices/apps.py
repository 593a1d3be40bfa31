"""Registers the package with Django."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Models and jobs of the notices package."""

    name = "digest.notices"
