"""Registers the package with Django."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.monitoring"
