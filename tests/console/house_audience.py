"""The audience of a house: attributes of each type, tags, and a segment; plain, or hostile."""

from datetime import datetime

from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, profiles
from digest.subscribers.models import Profile
from digest.subscribers.segments import saving


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
    saving.create(publication, "Readers who stay", rules, now)


def spoil(text: str) -> None:
    """Replace every text by a hostile one."""
    Attribute.objects.update(label=text[:100])
    Attribute.objects.filter(kind="choice").update(choices=[text[:100]])
    Segment.objects.update(name=text[:100])
    Profile.objects.update(tags=[text[:60]], attributes={"text": text})
