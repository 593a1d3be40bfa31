"""Registers the package with Django."""

from django.apps import AppConfig


class BouncesConfig(AppConfig):
    """Names the package to Django."""

    name = "digest.bounces"

    def ready(self) -> None:
        """Let series know who is inactive."""
        from digest.bounces.sunset import asking, reengaging
        from digest.series import signs

        signs.register(
            signs.Inactivity(
                lambda newsletter, now: asking.obstacle(asking.rule_of(newsletter), now),
                lambda newsletter, now: asking.inactive(asking.rule_of(newsletter), now),
                reengaging.shown_since_entering,
            )
        )
