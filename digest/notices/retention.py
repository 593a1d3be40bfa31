"""How long notices are kept: long enough to see what was sent to whom, and for their links.

A link to undo a change of address works for a week (docs/decisions/0008), a request to confirm one
for less; the limits of a mailbox look back a day.
"""

from datetime import datetime, timedelta

from digest.notices.models import Notice

RETENTION = timedelta(days=90)
STEP = 10_000  # rows of a statement


def delete_old(now: datetime) -> int:
    """Delete notices that were settled, or left uncertain, long ago; return how many.

    At most `STEP` are deleted in a call. Copies of issues stay: they tell that an issue was sent
    again (sending.resending).
    """
    over = Notice.objects.exclude(state__in=Notice.PENDING).exclude(kind=Notice.Kind.COPY)
    rows = over.filter(created_at__lte=now - RETENTION).order_by("pk")[:STEP]
    deleted, _ = Notice.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).delete()
    return deleted
