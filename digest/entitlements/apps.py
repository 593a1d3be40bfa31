"""Registers the package with Django."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.entitlements"
