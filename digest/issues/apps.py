"""Registers the package with Django."""

from django.apps import AppConfig


class IssuesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.issues"
