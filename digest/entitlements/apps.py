"""Registers the package with Django."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.entitlements"

    def ready(self) -> None:
        """Let the tiers of customers follow the choices of their attribute."""
        from digest.entitlements.settling import follow_choices
        from digest.subscribers.choice_changes import changed

        changed.connect(follow_choices)
