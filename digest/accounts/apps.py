"""Registers the package with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.accounts"
