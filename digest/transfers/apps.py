"""Registers the package with Django."""

from django.apps import AppConfig


class TransfersConfig(AppConfig):
    """The package's entry in INSTALLED_APPS."""

    name = "digest.transfers"
