"""Claims as senders make them."""

from datetime import datetime

from digest.issues.models import Issue
from digest.sending import ledger
from digest.sending.ledger import Batch
from digest.sending.segmentation import cadences_of
from digest.subscribers.audience import Audience
from tests.cast import NOON


def claim_batch(
    issue: Issue,
    limit: int,
    now: datetime = NOON,
    audience: Audience | None = None,
    journal: str = "",
) -> Batch:
    """Claim for an audience; without one, for subscribers of all topics."""
    return ledger.claim(issue, limit, now, audience or Audience(cadences_of(issue)), journal)
