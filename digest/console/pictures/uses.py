"""Where a picture is used."""

from digest.pictures.models import Picture


def uses_of(picture: Picture) -> list[str]:  # noqa: ARG001  nothing can show one yet
    """Return the names of what shows a picture; empty: it can be deleted."""
    return []
