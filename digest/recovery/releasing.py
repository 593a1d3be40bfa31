"""End a hold without sending anything a second time.

review     what may have been sent since these data were saved, and what a release does with it
release    sets all of that aside, then lets mail go out; an editor resumes or restores the rest
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.core import clock, jobs
from digest.core.text import counted
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues import building
from digest.issues.models import Issue
from digest.notices.models import Notice
from digest.recovery.evidence.applying import ApplyResult, Evidence, apply_evidence, read_evidence
from digest.recovery.missed_slots import MissedSlot, has_come, missed_slots
from digest.sending import control
from digest.series import restoring

PERHAPS_SENT = (
    "This may have been sent already: mail was held because these data end at {}. {} only if it "
    "was not."
)

State = Issue.State
_RELEASED_JOBS = (
    *(jobs.BUILD_ISSUES, jobs.PLAN_ISSUES, jobs.PLAN_SERIES),
    *(jobs.SEND_DELIVERIES, jobs.SEND_NOTICES),
)


@dataclass(frozen=True, slots=True)
class Review:
    """What may have been sent since these data were saved."""

    pausing: list[Issue] = field(default_factory=list)  # would be sent at once
    skipping: list[Issue] = field(default_factory=list)  # drafts whose time has passed
    marking: list[Issue] = field(default_factory=list)  # only a person sends these
    missed: list[MissedSlot] = field(default_factory=list)
    notices: int = 0  # that waited, and are sent within seconds
    # Subscribers in series who wait for a mail; released: the mails that were left out, also later.
    steps: int = 0
    evidence: Evidence = field(default_factory=Evidence)  # of what happened since
    applied: ApplyResult = field(default_factory=ApplyResult)  # once it was released

    @property
    def is_empty(self) -> bool:
        """Nothing has to be set aside."""
        issues = self.pausing or self.skipping or self.marking or self.missed
        return not issues and not self.notices and not self.steps and self.evidence.is_empty

    def mails_of(self, row: Issue | MissedSlot) -> int | None:
        """Return how many mails of an issue or slot were sent, as far as the log has it."""
        if isinstance(row, MissedSlot):
            return self.evidence.mails_by_slot.get((row.newsletter.pk, row.slot))
        return self.evidence.mails_by_issue.get(row.pk)

    def count_issues(self) -> int:
        """Return how many issues may have been sent, those of missed slots included."""
        issues = len(self.pausing) + len(self.skipping) + len(self.marking)
        return issues + len(self.missed)

    @property
    def summary(self) -> str:
        """What a release sets aside, in a sentence."""
        counts = (
            (len(self.pausing), "issue", "paused"),
            (len(self.skipping) + len(self.missed), "issue", "skipped"),
            (len(self.marking), "issue", "marked"),
            (self.notices, "waiting notice", "dropped"),
            (self.steps, "mail", "of series left out"),
        )
        named = ", ".join(
            f"{counted(count, noun)} {result}" for count, noun, result in counts if count
        )
        set_aside = f"{named}." if named else "Nothing had to be set aside."
        return f"{set_aside} {self.applied.summary}".strip()


def review(hold: Hold, now: datetime, *, restored: bool = False, complete: bool = False) -> Review:
    """Return what a release sets aside.

    Nothing where somebody asked for the hold, because these data are complete: unless they are
    those of a backup after all (`restored`), such as a snapshot of the whole machine. Nothing
    either where a person knows that they are complete (`complete`): the database itself was moved,
    or Valkey and the data folder were lost while it stood still.
    """
    if complete or (hold.reason == Hold.Reason.REQUESTED and not restored):
        return Review()
    until = hold.data_until
    evidence = read_evidence(until)
    drafts, going_out = _issues(State.DRAFT), _issues(State.BUILT, State.SENDING)
    return Review(
        pausing=[issue for issue in going_out if _is_due(issue, evidence, now)],
        skipping=[issue for issue in drafts if _has_passed(issue, evidence, until, now)],
        marking=[
            issue
            for issue in _issues(State.DRAFT, State.PAUSED)
            if issue.state == State.PAUSED or issue.kind == Issue.Kind.MANUAL
        ],
        missed=list(missed_slots(evidence, now)) if until else [],
        notices=_waiting_notices(hold).count(),
        steps=restoring.due_enrolments(hold.began_at).count(),
        evidence=evidence,
    )


@transaction.atomic
def release(hold: Hold, now: datetime, *, restored: bool = False, complete: bool = False) -> Review:
    """Release a hold; what may have been sent is paused, skipped, marked or dropped first.

    Whoever left after the end of these data is unsubscribed again, as far as the log has it.
    """
    reviewed = review(hold, now, restored=restored, complete=complete)
    for issue in reviewed.pausing:
        control.pause_with_reason(issue, _reason(hold, reviewed, issue, "Resume it"))
    for issue in reviewed.skipping:
        building.skip_draft(issue, _reason(hold, reviewed, issue, "Restore it"), now)
    for issue in reviewed.marking:
        reason = _reason(hold, reviewed, issue, "Send it")
        Issue.objects.filter(pk=issue.pk, state=issue.state).update(reason=reason)
    for row in reviewed.missed:
        reason = _reason(hold, reviewed, row, "Restore it")
        building.skip_slot(row.newsletter, row.slot, reason, now)
    if reviewed.notices:
        reply = "It waited when these data were saved, and was probably sent."
        _waiting_notices(hold).update(
            state=Notice.State.CANCELLED, settled_at=now, reply=reply, lease_until=None
        )
    steps = restoring.set_aside(hold.began_at, now) if reviewed.steps else 0
    applied = apply_evidence(reviewed.evidence, now)
    holds.release(hold, now)
    for name in _RELEASED_JOBS:
        jobs.enqueue(name)
    return replace(reviewed, steps=steps, applied=applied)


def _reason(hold: Hold, reviewed: Review, row: Issue | MissedSlot, advice: str) -> str:
    """Return what an editor reads who decides about an issue."""
    moment = clock.format_moment(hold.data_until) if hold.data_until else "an unknown moment"
    mails = reviewed.mails_of(row)
    logged = (
        "" if mails is None else f" Sent by the log in the data folder: {counted(mails, 'mail')}."
    )
    return f"{PERHAPS_SENT.format(moment, advice)}{logged}"


def _issues(*states: State) -> QuerySet[Issue]:
    rows = Issue.objects.filter(state__in=states).select_related("newsletter__publication")
    return rows.order_by("slot", "pk")


def _is_due(issue: Issue, evidence: Evidence, now: datetime) -> bool:
    """Say whether an issue is sent as soon as mail goes out, or was sent before its time."""
    in_local_time = issue.newsletter.send_in_local_time and issue.kind == Issue.Kind.SCHEDULED
    is_ahead = in_local_time and issue.send_at is None  # it was built for the first in the east
    is_due = issue.state == State.SENDING or issue.goes_at <= now or is_ahead
    return is_due or issue.pk in evidence.mails_by_issue


def _has_passed(issue: Issue, evidence: Evidence, until: datetime | None, now: datetime) -> bool:
    """Say whether a draft was sent, or its time lies between the end of these data and now."""
    if issue.kind != Issue.Kind.SCHEDULED:
        return False
    is_since = until is None or issue.goes_at > until
    in_local_time = issue.send_at is None and has_come(issue.newsletter, issue.slot, now)
    has_passed = is_since and (issue.goes_at <= now or in_local_time)
    return has_passed or issue.pk in evidence.mails_by_issue


def _waiting_notices(hold: Hold) -> QuerySet[Notice]:
    """Return the notices that were waiting or being sent when an older state was saved.

    Those that a server has deferred may still wait; so may all of a database that was moved.
    """
    rows = Notice.objects.filter(state__in=[Notice.State.QUEUED, Notice.State.CLAIMED])
    if hold.reason == Hold.Reason.MOVED or hold.data_until is None:
        return rows.none()
    return rows.filter(created_at__lte=hold.data_until)
