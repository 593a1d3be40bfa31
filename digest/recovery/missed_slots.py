"""Slots without an issue whose issue may have been sent after these data were saved.

Such a slot would be built, and sent, as soon as mail goes out again. That is every slot that has
passed since the last one with an issue. Where a newsletter is sent in each subscriber's time zone,
it is also a later one, once its local time has come to a subscriber further east. And it is every
slot of which the log says that sending began: an editor may have sent its issue early.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from digest.issues import building
from digest.newsletters import schedules, zones
from digest.newsletters.models import Newsletter
from digest.newsletters.schedules import Rule
from digest.recovery.evidence.applying import Evidence


@dataclass(frozen=True, slots=True)
class MissedSlot:
    """A slot that has no issue, as far as these data know, and may have been sent."""

    newsletter: Newsletter
    slot: datetime  # UTC


def missed_slots(evidence: Evidence, now: datetime) -> Iterator[MissedSlot]:
    """Yield these slots, of newsletters that are sent."""
    scheduled = Newsletter.objects.sending().filter(schedule__isnull=False)
    for newsletter in scheduled.select_related("schedule", "publication").order_by("pk"):
        if rule := schedules.current_rule(newsletter):
            logged = {slot for key, slot in evidence.mails_by_slot if key == newsletter.pk}
            for slot in _missed(newsletter, rule, logged, now):
                yield MissedSlot(newsletter, slot)


def has_come(newsletter: Newsletter, slot: datetime, now: datetime) -> bool:
    """Say whether a slot has come; where it is sent in local time, to any subscriber."""
    rule = schedules.planned_rule(newsletter)
    if slot <= now or rule is None or not newsletter.send_in_local_time:
        return slot <= now
    names = zones.times_of(slot, rule.timezone).between(slot - zones.WIDEST, now)
    return building.has_subscriber_in(newsletter, names)


def _missed(
    newsletter: Newsletter, rule: Rule, logged: Collection[datetime], now: datetime
) -> list[datetime]:
    """Return the slots without an issue up to the last one that may have been sent.

    A slot before that one would not be built any more once the later one is skipped. It is skipped
    with it, so that an editor sees it and can restore it.
    """
    after = building.settled_until(newsletter, now)
    ahead = now + zones.WIDEST if newsletter.send_in_local_time else now
    built = set(newsletter.issues.filter(slot__gt=after).values_list("slot", flat=True))
    slots = schedules.slots(rule, after, max([ahead, *logged]))
    missing = [slot for slot in slots if slot not in built]
    while missing and missing[-1] not in logged and not has_come(newsletter, missing[-1], now):
        missing.pop()
    return missing
