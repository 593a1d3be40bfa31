"""Registers the package with Django."""

from django.apps import AppConfig


class SendingConfig(AppConfig):
    """Models and jobs of the sending package."""

    name = "digest.sending"

    def ready(self) -> None:
        """Register how a copy of an issue is composed, which notices cannot know."""
        from digest.notices.messages import register_composer
        from digest.notices.models import Notice
        from digest.sending.resending import compose_copy

        register_composer(Notice.Kind.COPY, compose_copy)
