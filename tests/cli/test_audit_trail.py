"""The audit log records commands that change something, and nothing secret."""

import pytest
from django.core.management import get_commands, load_command_class

from digest.accounts.models import AuditEntry, User
from digest.core.terminal import DigestCommand
from digest.relays.models import Relay
from tests.cast import make_issue, make_newsletter, make_running
from tests.cast.series import make_series
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def recorded() -> list[tuple[str, str]]:
    """Each action with its target."""
    return list(AuditEntry.objects.order_by("pk").values_list("action", "target"))


def test_a_command_that_changes_something_is_recorded(digest: Digest) -> None:
    """With the user of the machine, the action and its target."""
    issue = make_running()
    digest("issue", "pause", issue.pk)
    digest("newsletter", "pause", issue.newsletter.slug)
    assert recorded() == [
        ("digest issue pause", f"issue {issue.pk}"),
        ("digest newsletter pause", issue.newsletter.slug),
    ]
    entry = AuditEntry.objects.earliest("pk")
    assert entry.user is None
    assert entry.actor.endswith(", command line")


def test_a_series_an_attribute_and_a_publication_are_named(digest: Digest) -> None:
    """Also where no option is called name, slug or id."""
    newsletter = make_newsletter()
    series = make_series(newsletter, active=False)
    slug = newsletter.publication.slug
    digest("series", "on", series.pk)
    digest("attribute", "add", "City", "--type", "text", "--publication", slug)
    digest("attribute", "delete", "city", "--publication", slug)
    digest("stripe", "connect", "--publication", slug)
    assert recorded() == [
        ("digest series on", f"series {series.pk}"),
        ("digest attribute add", "City"),
        ("digest attribute delete", "city"),
        ("digest stripe connect", slug),
    ]


def test_reading_and_failing_are_not_recorded(digest: Digest) -> None:
    """Neither changed anything."""
    issue = make_issue(make_newsletter())
    digest("issue", "list")
    digest("issue", "show", issue.pk)
    digest("newsletter", "pause", "nowhere")
    assert recorded() == []


def test_no_secret_and_no_erased_address_is_recorded(digest: Digest) -> None:
    """A mail server's address holds a password; an erased subscriber is to be forgotten."""
    newsletter = make_newsletter(slug="tide")
    digest("subscriber", "add", "ines@reader.example", "--newsletter", "tide", "--confirmed")
    digest("subscriber", "erase", "ines@reader.example", "--yes")
    digest("relay", "add", "backup", "smtp://ada:hunter2@127.0.0.1:9")
    User.objects.create_user("ada@courier.example", "x", is_staff=True)
    digest("token", "add", "site", "--scope", "all")
    entries = str(list(AuditEntry.objects.values()))
    assert "hunter2" not in entries
    assert ("digest subscriber erase", "") in recorded()
    assert ("digest token add", "site") in recorded()
    assert (("digest relay add", "backup") in recorded()) == Relay.objects.exists()
    assert newsletter.slug == "tide"


def test_every_command_declares_whether_it_is_recorded() -> None:
    """So that a new one cannot be forgotten."""
    commands = [
        load_command_class(package, name)
        for name, package in get_commands().items()
        if isinstance(package, str) and package.startswith("digest.")
    ]
    undeclared = [
        command.__module__
        for command in commands
        if isinstance(command, DigestCommand) and not hasattr(command, "audited")
    ]
    assert len(commands) > 15
    assert undeclared == []
