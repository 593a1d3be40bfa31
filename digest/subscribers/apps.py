"""Registers the package with Django."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.subscribers"
