"""Registers the package with Django."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.notifications"
