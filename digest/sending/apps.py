"""Registers the package with Django."""

from django.apps import AppConfig


class SendingConfig(AppConfig):
    """Models and jobs of the sending package."""

    name = "digest.sending"
