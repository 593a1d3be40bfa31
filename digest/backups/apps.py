"""Registers the package with Django, which finds its commands so."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.backups"
