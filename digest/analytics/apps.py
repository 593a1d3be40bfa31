"""Registers the package with Django."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.analytics"
