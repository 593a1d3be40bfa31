"""Record a bounce or a complaint, once, and do what follows.

    hard        the address is suppressed at once
    soft        counts towards the score (digest.bounces.scoring)
    sender      nobody is suppressed; enough of them pause the domain (digest.bounces.surges)
    complaint   the address is suppressed at once

In any order and any number of times: a report only replaces a less severe one. A hard bounce is
soft where the report names another mailbox (somebody forwards their mail), and where a domain
refuses so many at once that the fault is likely its own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import structlog
from django.db import connection, transaction

from digest.bounces import history, scoring, surges
from digest.bounces.models import Bounce
from digest.bounces.reading import Report
from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.standing import Standing, read_standing
from digest.core import clock
from digest.core.database.statements import fetch_row
from digest.core.telemetry import count
from digest.core.telemetry.metrics import BOUNCES
from digest.issues.models import Issue
from digest.relays.throttles import refusals
from digest.subscribers import suppression
from digest.subscribers.models import Subscriber

log = structlog.get_logger(__name__)

# By severity.
_ORDER = (Consequence.SOFT, Consequence.SENDER, Consequence.HARD, Consequence.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a refusal or a report says. Its texts are a stranger's."""

    source: Bounce.Source
    reason: Reason
    permanent: bool
    status: str = ""
    code: int | None = None
    text: str = ""
    recipient: str = ""
    reporter: str = ""

    @classmethod
    def of(cls, report: Report, source: Bounce.Source) -> Self:
        """Return what a report says."""
        return cls(
            source,
            report.reason,
            report.permanent,
            report.status,
            report.code,
            report.text,
            report.recipient,
            report.reporter,
        )

    @property
    def is_complaint(self) -> bool:
        """Whether somebody marked the mail as spam."""
        return self.reason == Reason.FEEDBACK

    @property
    def consequence(self) -> Consequence:
        """What follows, as far as the report says."""
        return consequence_of(self.reason, permanent=self.permanent)


@transaction.atomic(savepoint=False)
def record(
    subscriber: Subscriber, issue: Issue | None, finding: Finding, at: datetime
) -> Bounce | None:
    """Record what came back at a moment (aware, UTC); None where it changes nothing.

    That is where the same, or something more severe, has been recorded already, and where the
    subscriber has another address since.
    """
    domain = subscriber.address_key.rpartition("@")[2][:253]
    standing = read_standing(subscriber, issue, finding.consequence, domain, at)
    if standing.consequence and not _is_worse(finding.consequence, standing.consequence):
        return None  # ten thousand reports about one address: without a lock
    if standing.has_moved:
        log.info("bounce of a former address", subscriber=subscriber.pk)
        return None
    bounce = _new_bounce(subscriber, issue, finding, at)
    bounce.domain = domain
    if _is_doubtful(bounce, standing.recent_count):
        bounce.consequence = Consequence.SOFT
    bounce.suppressed = bounce.consequence in {Consequence.HARD, Consequence.COMPLAINT}
    if not _insert(bounce):
        rows = Bounce.objects.select_for_update()
        stored = rows.get(subscriber=subscriber, issue=issue, is_complaint=bounce.is_complaint)
        if not _is_worse(bounce.consequence, stored.consequence):
            return None
        bounce.pk = stored.pk
        bounce.save(force_update=True)
    _follow(bounce, standing, at)
    count(BOUNCES, bounce.consequence)
    return bounce


def _insert(bounce: Bounce) -> bool:
    """Insert a bounce, and set its id; False where there is one already.

    Raw SQL, because get_or_create takes four calls to the database.
    """
    fields = [field for field in Bounce._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    values = [
        field.get_db_prep_save(getattr(bounce, field.attname), connection) for field in fields
    ]
    columns = ", ".join(str(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    row = fetch_row(_INSERT.format(columns=columns, places=places), values)
    bounce.pk = row[0] if row else None
    return row is not None


_INSERT = """
INSERT INTO bounces_bounce ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id
"""


def _new_bounce(
    subscriber: Subscriber, issue: Issue | None, finding: Finding, at: datetime
) -> Bounce:
    return Bounce(
        subscriber=subscriber,
        issue=issue,
        is_complaint=finding.is_complaint,
        consequence=finding.consequence,
        reason=finding.reason,
        source=finding.source,
        recipient=finding.recipient[:320],
        status=finding.status[:16],
        code=finding.code,
        text=finding.text[:1000],
        reporter=finding.reporter[:253],
        at=at,
    )


def _is_doubtful(bounce: Bounce, recent_count: int) -> bool:
    """Return whether a hard bounce is about another mailbox, or one of many of its domain."""
    if bounce.consequence != Consequence.HARD:
        return False
    if not is_same_mailbox(bounce.recipient, bounce.subscriber.email):
        return True
    return recent_count >= refusals.SURGE and surges.is_surge(
        bounce.issue, bounce.domain, Consequence.HARD, bounce.at
    )


def _is_worse(consequence: str, than: str) -> bool:
    return _ORDER.index(Consequence(consequence)) > _ORDER.index(Consequence(than))


def _follow(bounce: Bounce, standing: Standing, at: datetime) -> None:
    """Suppress the address, or pause the domain, where that follows."""
    if bounce.consequence == Consequence.SENDER:
        if bounce.source != Bounce.Source.SMTP:  # its relay's limiter counts those (rate_limits)
            surges.pause_where_surging(bounce, at)
    elif bounce.consequence != Consequence.SOFT or _is_too_much(bounce, standing, at):
        reason = suppression.COMPLAINED if bounce.is_complaint else suppression.BOUNCED
        suppressed = suppression.suppress(
            bounce.subscriber.address_key, reason=reason, evidence=evidence_of(bounce), now=at
        )
        if not bounce.suppressed:
            Bounce.objects.filter(pk=bounce.pk).update(suppressed=True)
            bounce.suppressed = True
        log.info("suppressed", subscriber=bounce.subscriber_id, reason=reason, new=suppressed)


def _is_too_much(bounce: Bounce, standing: Standing, at: datetime) -> bool:
    if standing.first_soft_at is None or at - standing.first_soft_at < scoring.PATIENCE:
        return False  # nearly always: without a look at all that was sent
    moments = history.soft_bounces(bounce.subscriber, at)
    return scoring.is_too_much(moments, history.last_good(bounce.subscriber, at), at)


def evidence_of(bounce: Bounce) -> str:
    """Return what a suppression shows as its evidence: one line."""
    issue = f"issue {bounce.issue_id}" if bounce.issue_id else "a mail"
    reporter = f", reported by {bounce.reporter}" if bounce.reporter else ""
    return f"{bounce.reason}: {bounce.reply} ({issue}, {clock.format_moment(bounce.at)}{reporter})"


def is_same_mailbox(reported: str, email: str) -> bool:
    """Return whether a report is about a subscriber's own address, as far as it says.

    Servers rewrite addresses: either the local part, without a tag, or the domain has to be equal.
    """
    if "@" not in reported:
        return True
    local, _, domain = reported.lower().rpartition("@")
    own_local, _, own_domain = email.lower().rpartition("@")
    return local.partition("+")[0] == own_local.partition("+")[0] or domain == own_domain
