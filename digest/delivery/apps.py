"""Registers the package with Django."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.delivery"
