"""Registers the package with Django."""

from django.apps import AppConfig


class NewslettersConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.newsletters"
