"""Registers the package with Django."""

from django.apps import AppConfig


class PicturesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.pictures"
