"""Checks of the time: whether another issue goes to the same people within the hour."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from digest.core.text import counted
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.models import Newsletter
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck
from digest.subscribers.models import Subscription

CHECK = "timing"
NEAR = timedelta(hours=1)
FEW = 10_000  # subscribers that are counted

State = Issue.State
LEFT = {State.SENDING, State.PAUSED, State.SENT}  # subscribers have it, or some of them


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what else goes out about then: of this newsletter, and of others to the same people."""
    if material.issue.is_of_series:
        return  # it goes to each subscriber at another time
    findings = [*_own(material), *_other_newsletters(material)]
    yield from findings
    if not findings:
        yield PassedCheck(CHECK, "nothing else goes to the same people within the hour")


def _own(material: Material) -> Iterator[Finding]:
    issue, at = material.issue, material.sends_at
    audience = Q(kind=Issue.Kind.MANUAL) | Q(cadence=issue.cadence)
    issues = _issues_near(issue.newsletter, at).exclude(pk=issue.pk)
    if issue.kind != Issue.Kind.MANUAL:
        issues = issues.filter(audience)
    for row in issues:
        is_sent = row.state in LEFT
        text = f"Another issue of this newsletter {_distance(row.goes_at, at, is_sent=is_sent)}."
        which = "this one" if is_sent else "one of them"
        yield Finding(CHECK, Level.WARN, text, f"Send {which} later, or skip it.")
    for slot in _free_slots(issue.newsletter, at):
        if slot != issue.slot:
            text = f"The regular issue {_distance(slot, at)}."
            yield Finding(CHECK, Level.WARN, text, "Send this one at another time.")


def _other_newsletters(material: Material) -> Iterator[Finding]:
    """Yield the publication's other newsletters that go out about then to the same people."""
    newsletters = material.publication.newsletters.sending()
    for other in newsletters.exclude(pk=material.newsletter.pk).order_by("name"):
        near = _issues_near(other, material.sends_at)
        moments = [(row.goes_at, row.state in LEFT) for row in near]
        moments += [(slot, False) for slot in _free_slots(other, material.sends_at)]
        if moments and (number := _shared(material.newsletter, other)):
            overlap = f"more than {FEW:,}" if number > FEW else f"{number:,}"
            moment, is_sent = min(moments)
            text = f"{other.name} {_distance(moment, material.sends_at, is_sent=is_sent)}"
            yield Finding(
                CHECK,
                Level.INFO,
                f"{text}, to {overlap} of the same subscribers.",
                "Send one of them at another time if that is too much mail.",
            )


def _issues_near(newsletter: Newsletter, at: datetime) -> QuerySet[Issue]:
    """Return the newsletter's issues that leave, or left, within the hour."""
    without_time = Q(state=State.DRAFT, kind=Issue.Kind.MANUAL, send_at=None)
    issues = newsletter.issues.filter(Issue.REGULAR)
    issues = issues.exclude(state__in=[State.SKIPPED, State.CANCELLED])
    return (
        issues.exclude(without_time)
        .annotate(leaves_at=Coalesce(F("send_at"), F("slot")))
        .filter(leaves_at__gte=at - NEAR, leaves_at__lte=at + NEAR)
        .order_by("leaves_at")
    )


def _free_slots(newsletter: Newsletter, at: datetime) -> list[datetime]:
    """Return the slots within the hour for which no issue is built yet."""
    rule = schedules.current_rule(newsletter)
    if rule is None:
        return []
    since = newsletter.schedule.since
    slots = [slot for slot in schedules.slots(rule, at - NEAR, at + NEAR) if slot > since]
    built = newsletter.issues.filter(slot__in=slots).values_list("slot", flat=True)
    return sorted(set(slots) - set(built))


def _shared(newsletter: Newsletter, other: Newsletter) -> int:
    """Return how many active subscribers two newsletters share, counted up to FEW + 1."""
    active = Subscription.objects.filter(state=Subscription.State.ACTIVE)
    shared = active.filter(newsletter=other, subscriber=OuterRef("subscriber"))
    return active.filter(Exists(shared), newsletter=newsletter)[: FEW + 1].count()


def _distance(moment: datetime, at: datetime, *, is_sent: bool = False) -> str:
    minutes = round((moment - at).total_seconds() / 60)
    if minutes > 0:
        return f"follows {counted(minutes, 'minute')} later"
    distance = f"{counted(-minutes, 'minute')} before" if minutes else "at the same time"
    return f"{'was' if is_sent else 'is'} sent {distance}"
