"""`digest profile …`: the tags and attribute values of a subscriber in a publication."""

from typing import Any

from digest.core import addresses
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.newsletters.models import Publication
from digest.newsletters.setup import find_publication
from digest.subscribers import attributes, consent, profiles
from digest.subscribers.errors import InvalidInputError, SubscriberError
from digest.subscribers.models import Subscriber


class Command(ActionCommand):
    """Profiles."""

    help = "Tags and attribute values of a subscriber: show, tag, untag, set."

    def add_actions(self) -> None:
        """Name the actions."""
        show = self.reading("show", "the tags and values of a subscriber")
        tag = self.changing("tag", "add tags to a subscriber")
        untag = self.changing("untag", "remove tags from a subscriber")
        change = self.changing("set", "set values of attributes; an empty one removes it")
        for parser in (show, tag, untag, change):
            parser.add_argument("address")
            parser.add_argument("--publication", metavar="SLUG", required=True)
        for parser in (tag, untag):
            parser.add_argument("tags", nargs="+", metavar="TAG")
        change.add_argument("values", nargs="+", metavar="KEY=VALUE")

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a profile."""
        self._answer(*_named(options))

    def do_tag(self, options: dict[str, Any]) -> None:
        """Add tags."""
        subscriber, publication = _named(options)
        profile = profiles.profile_of(subscriber.pk, publication.pk)
        profiles.set_tags(subscriber.pk, publication.pk, [*profile.tags, *options["tags"]])
        self._answer(subscriber, publication)

    def do_untag(self, options: dict[str, Any]) -> None:
        """Remove tags."""
        subscriber, publication = _named(options)
        for tag in options["tags"]:
            profiles.remove_tag(profiles.clean_tag(tag), publication.pk, [subscriber.pk])
        self._answer(subscriber, publication)

    def do_set(self, options: dict[str, Any]) -> None:
        """Set values."""
        subscriber, publication = _named(options)
        pairs = dict(map(_pair, options["values"]))
        profiles.set_attributes(subscriber.pk, publication.pk, pairs)
        self._answer(subscriber, publication)

    def _answer(self, subscriber: Subscriber, publication: Publication) -> None:
        profile = profiles.profile_of(subscriber.pk, publication.pk)
        values = {
            "email": subscriber.email,
            "publication": publication.slug,
            "tags": profile.tags,
            "attributes": profile.attributes,
        }
        self.answer(values, lambda out: _print(out, publication, values))


def _named(options: dict[str, Any]) -> tuple[Subscriber, Publication]:
    subscriber = consent.find_subscriber(addresses.parse(options["address"]))
    publication = find_publication(options["publication"])
    if not subscriber.subscriptions.filter(newsletter__publication=publication).exists():
        raise SubscriberError(f"{subscriber} is not a subscriber of {publication}.")
    return subscriber, publication


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidInputError(f"Write {text!r} as KEY=VALUE, for example city=Berlin.")
    return key.strip(), value


def _print(out: Screen, publication: Publication, values: dict[str, Any]) -> None:
    rows = attributes.attributes_of(publication.pk)
    lines = [("Tags", ", ".join(values["tags"]) or "none")]
    lines += [
        (str(row), attributes.show_value(row, value))
        for key, value in values["attributes"].items()
        if (row := rows.get(key))
    ]
    out.print(details_table(lines))
