"""Registers the package with Django."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    """The package's entry in INSTALLED_APPS."""

    name = "digest.subscribers"
