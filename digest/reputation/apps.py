"""Registers the package with Django."""

from django.apps import AppConfig


class ReputationConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.reputation"
