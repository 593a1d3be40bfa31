"""Registers the package with Django."""

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.connectors"
