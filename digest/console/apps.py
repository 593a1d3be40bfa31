"""The console as Django knows it."""

from django.apps import AppConfig, apps
from django.contrib import admin


class ConsoleConfig(AppConfig):
    """The editors' console."""

    name = "digest.console"
    verbose_name = "Console"

    def ready(self) -> None:
        """Listen to sign-ins, and take away forms that allauth brings along.

        Its pages do the same, and ask who it is.
        """
        from digest.console.team import sign_ins

        sign_ins.connect()
        for app in ("account", "mfa"):
            for model in apps.get_app_config(app).get_models():
                if admin.site.is_registered(model):
                    admin.site.unregister(model)
