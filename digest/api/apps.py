"""Registers the package with Django."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.api"
