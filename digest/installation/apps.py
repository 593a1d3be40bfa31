"""Registers the package with Django."""

from django.apps import AppConfig


class InstallationConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.installation"
