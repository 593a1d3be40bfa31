"""The console as Django knows it."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """The editors' console."""

    name = "digest.backoffice"
    verbose_name = "Console"
