"""Registers the package with Django."""

from django.apps import AppConfig


class BouncesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.bounces"
