"""Registers the package with Django."""

from datetime import datetime

from django.apps import AppConfig


class SendingConfig(AppConfig):
    """Models and jobs of the sending package."""

    name = "digest.sending"

    def ready(self) -> None:
        """Register how a copy of an issue is composed, which notices cannot know."""
        from digest.notices.composers import register_composer
        from digest.notices.models import Notice

        def compose_copy(notice: Notice, now: datetime) -> bytes | None:
            from digest.sending import resending  # and all of rendering, which few processes need

            return resending.compose_copy(notice, now)

        register_composer(Notice.Kind.COPY, compose_copy)
