"""Registers the package with Django."""

from django.apps import AppConfig


class RelaysConfig(AppConfig):
    """Models and jobs of the relays package."""

    name = "digest.relays"
