"""The wheels that bring PostgreSQL and Valkey, which a production install does without."""

from collections.abc import Iterator
from contextlib import contextmanager

from digest.embedded.errors import EmbeddedError

PLATFORMS = "Linux with glibc 2.28 or later, and macOS"


@contextmanager
def required(service: str, setting: str) -> Iterator[None]:
    """Turn a wheel that is not installed into an EmbeddedError that says what to do.

    `setting` names a `service` of one's own, which needs no wheel.
    """
    try:
        yield
    except ImportError as cause:
        raise EmbeddedError(
            f"{service} is not installed with Digest. Run `pip install "
            f"'digest-newsletter[embedded]'` ({PLATFORMS}), or set {setting} to your own."
        ) from cause
