"""The audience of a house: attributes of each type, tags, and a segment; plain, or hostile."""

from datetime import datetime

from digest.bulk import running
from digest.bulk.models import BulkChange
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.models import Newsletter
from digest.series import editing, enrolling, planning, switching
from digest.series.models import Series
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Profile, Subscriber
from digest.subscribers.segments import saving
from tests.cast.bulk import make_bulk_change
from tests.cast.series import make_editor, make_series


def fill_profiles(newsletter: Newsletter, now: datetime) -> None:
    """Define attributes of each type, tag five active subscribers, save a segment with a group."""
    publication = newsletter.publication
    for kind in ("text", "number", "date", "boolean"):
        attributes.define(publication, label=kind.title(), kind=kind, now=now)
    attributes.define(publication, label="Plan", kind="choice", choices=["Free", "Paid"], now=now)
    active = newsletter.subscriptions.filter(state="active").order_by("subscriber")
    ids = list(active.values_list("subscriber", flat=True)[:5])
    profiles.add_tag("vip", publication.pk, ids)
    if ids:
        profiles.set_attributes(ids[0], publication.pk, {"text": "Berlin", "plan": "Paid"})
    rule = {"field": "tag", "operator": "is", "value": "vip"}
    clicked = {"field": "clicked", "operator": "in_last", "value": 90}
    group = {"match": "any", "rules": [clicked, {**rule, "operator": "is_not"}]}
    rules = {"match": "all", "rules": [rule, group]}
    segment = saving.create(publication, "Readers who stay", rules, now)
    furnish_series(newsletter, segment, ids, now)
    if ids:
        _change_many(newsletter, now)


def furnish_series(
    newsletter: Newsletter, segment: Segment, subscriber_ids: list[int], now: datetime
) -> None:
    """A welcome in two steps with subscribers in it, the second for some; and one to be written."""
    series = make_series(newsletter, 0, 3 * 24 * 60, trigger="sign_up", active=False)
    series.steps.filter(position=1).update(condition="segment", segment=segment)
    switching.switch_on(series, now)
    enrolling.enrol(series, subscriber_ids, now)
    planning.plan_due(now)
    if len(subscriber_ids) > 1:
        enrolling.remove(series, Subscriber.objects.get(pk=subscriber_ids[0]), now)
    editing.create(newsletter, "Are you still there?", "inactive", make_editor(), now)


def _change_many(newsletter: Newsletter, now: datetime) -> None:
    """Leave a draft, one with a preview, one that cannot be undone, one made and one in work."""
    make_bulk_change(newsletter)
    make_bulk_change(newsletter, "add-tag", tag="vip")
    make_bulk_change(newsletter, "erase")
    running.begin(make_bulk_change(newsletter, "add-tag", tag="press"), now)
    running_change = make_bulk_change(newsletter, "remove-tag", tag="press")
    BulkChange.objects.filter(pk=running_change.pk).update(state="running", begun_at=now)


def spoil(text: str) -> None:
    """Replace every text by a hostile one."""
    Attribute.objects.update(label=text[:100])
    Attribute.objects.filter(kind="choice").update(choices=[text[:100]])
    Segment.objects.update(name=text[:100])
    for number, series in enumerate(Series.objects.order_by("pk")):
        Series.objects.filter(pk=series.pk).update(name=f"{number}{text}"[:100])
    BulkChange.objects.update(selection=text[:500], note=text)
    Profile.objects.update(tags=[text[:60]], attributes={"text": text})
