"""Sessions of the console: those that ended are deleted, since nobody can sign in with them."""

from datetime import datetime

from django.contrib.sessions.models import Session


def delete_expired(now: datetime) -> int:
    """Delete the sessions that ended before a moment; return how many."""
    deleted, _ = Session.objects.filter(expire_date__lt=now).delete()
    return deleted
