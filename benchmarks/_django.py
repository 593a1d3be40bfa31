"""Django for benchmarks, alone or with an empty database; and the seconds that work takes."""

import os
import time
from collections.abc import Callable


def set_up_alone() -> None:
    """Give Django what it asks for; nothing here connects to anything."""
    for name, value in (
        ("DJANGO_SETTINGS_MODULE", "digest.settings"),
        ("DIGEST_SECRET_KEY", "a key for measuring, which signs nothing of worth"),
        ("DIGEST_DATABASE_URL", "postgresql:///none"),
        ("DIGEST_REDIS_URL", "redis://localhost"),
    ):
        os.environ.setdefault(name, value)
    import django

    django.setup()


def set_up() -> None:
    """Start PostgreSQL, and prepare an empty database whose tables may be truncated."""
    import django
    from django.core.management import call_command

    import tests.services  # noqa: F401  names the services in the environment
    from tests import append_only

    django.setup()
    call_command("migrate", verbosity=0)
    append_only.allow_truncate()


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
