"""Django for benchmarks that connect to nothing: set up when this module is imported."""

import os


def _set_up() -> None:
    """Give Django what it asks for."""
    for name, value in (
        ("DJANGO_SETTINGS_MODULE", "digest.settings"),
        ("DIGEST_SECRET_KEY", "a key for measuring, which signs nothing of worth"),
        ("DIGEST_DATABASE_URL", "postgresql:///none"),
        ("DIGEST_REDIS_URL", "redis://localhost"),
    ):
        os.environ.setdefault(name, value)
    import django

    django.setup()


_set_up()
