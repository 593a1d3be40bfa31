"""Journals of senders that were at work when a backup was made.

A reply in a journal is a fact that the database may not know yet. What has none may have been sent
after the backup: it is written down as begun, so that the sweep takes it for uncertain, not unsent.
"""

from digest.sending import chunks, journal
from digest.sending.models import Claim, Delivery


def restore_journal(file_name: str, octets: bytes) -> None:
    """Write a journal for the claims that the restored database has under its name."""
    name = file_name.removesuffix(journal.SUFFIX)
    claims = list(Claim.objects.filter(journal=name))
    if not claims:
        return
    claimed = b"".join(b"b %d\n" % key for claim in claims for key in _claimed_ids(claim.pk))
    replies = b"".join(line + b"\n" for line in octets.split(b"\n")[:-1] if line[:2] == b"e ")
    journal.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    unnamed = journal.folder() / f"{name}.new"  # a sweep reads what has its name
    unnamed.write_bytes(claimed + replies)
    unnamed.rename(journal.folder() / file_name)


def _claimed_ids(fence: int) -> list[int]:
    """Return the deliveries that are claimed under a fence, in rows and in a chunk."""
    rows = Delivery.objects.filter(fence=fence, state=Delivery.State.CLAIMED)
    members = chunks.members_of_claim(fence)
    return [*rows.values_list("pk", flat=True), *(members.subscriber_ids if members else ())]
