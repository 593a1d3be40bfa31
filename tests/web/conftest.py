"""Doors that nobody has knocked at yet."""

import pytest
import redis
from django.conf import settings as django_settings


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Forget what earlier tests counted."""
    with redis.Redis.from_url(django_settings.DIGEST_REDIS_URL) as valkey:
        for pattern in ("digest-signups*", "digest-archive*"):
            for key in valkey.scan_iter(pattern):
                valkey.delete(key)
