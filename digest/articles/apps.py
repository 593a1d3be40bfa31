"""Registers the package with Django."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.articles"
