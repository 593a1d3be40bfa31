"""Registers the package with Django."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.analytics"

    def ready(self) -> None:
        """Let segments ask who clicked."""
        from digest.analytics.clickers import clicked_since
        from digest.subscribers.segments import clicks

        clicks.register(clicked_since)
