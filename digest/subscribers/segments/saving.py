"""Segments created, changed and deleted; and who belongs to them."""

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.deletion import RestrictedError

from digest.core.database.uniqueness import refuse_duplicate
from digest.core.text import one_line
from digest.newsletters.audiences import usage
from digest.newsletters.audiences.models import LONGEST_LABEL, Segment
from digest.newsletters.models import Publication
from digest.subscribers.errors import InvalidInputError, SubscriberError
from digest.subscribers.models import Subscriber
from digest.subscribers.segments.conditions import members
from digest.subscribers.segments.fields import catalog_of

MOST = 500  # of a publication


def create(publication: Publication, name: str, rules: object, now: datetime) -> Segment:
    """Create a segment; raise SubscriberError for a name in use, or rules that cannot be."""
    if publication.segments.count() >= MOST:
        raise SubscriberError(f"A publication has {MOST} segments at most.")
    segment = Segment(publication=publication, created_at=now)
    _save(segment, name, rules, now)
    return segment


def change(segment: Segment, name: str, rules: object, now: datetime) -> bool:
    """Change a segment, wherever it is used; return whether its rules are other ones now.

    Raises SubscriberError as `create` does, and for new rules while an issue goes out by the
    present ones, unless these cannot be read.
    """
    old_rules = segment.rules
    _save(segment, name, rules, now)
    return bool(segment.rules != old_rules)


def delete(segment: Segment) -> None:
    """Delete a segment; raise SubscriberError while an issue, a block or an appeal needs it."""
    try:
        segment.delete()
    except RestrictedError as problem:
        users = ", ".join(sorted(str(row) for row in problem.restricted_objects)[:3])
        raise SubscriberError(
            f"“{segment}” is used by: {users}. Choose another audience there first."
        ) from problem


def members_of(segment: Segment, now: datetime) -> QuerySet[Subscriber]:
    """Return who belongs to a segment at `now` (aware, UTC).

    Raises RuleError where its publication has lost a field that it asks for.
    """
    catalog = catalog_of(segment.publication)
    return members(catalog, catalog.read(segment.rules), now)


def _save(segment: Segment, name: str, rules: object, now: datetime) -> None:
    segment.name = one_line(name, LONGEST_LABEL)
    if not segment.name:
        raise InvalidInputError("Give the segment a name.")
    catalog = catalog_of(segment.publication)
    document = catalog.read(rules).document()
    if segment.pk and document != segment.rules and catalog.can_read(segment.rules):
        _require_idle(segment)
    segment.rules, segment.changed_at = document, now
    with refuse_duplicate(SubscriberError(f"There is a segment “{segment.name}” already.")):
        segment.save()


def _require_idle(segment: Segment) -> None:
    if issue := usage.issue_with_segment(segment):
        raise SubscriberError(
            f"{issue} is going out by the present rules of “{segment}”, so they cannot change. "
            "Wait until the issue is sent, or cancel it."
        )
