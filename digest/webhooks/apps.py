"""Registers the package with Django."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.webhooks"
