"""Registers the package with Django."""

from django.apps import AppConfig


class InboundConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.inbound"
