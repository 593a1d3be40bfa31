"""The audit log knows what was done on the command line, and nothing secret."""

import pytest

from digest.accounts.models import AuditEntry, User
from digest.delivery.models import Relay
from tests.cast import make_edition, make_newsletter, make_running
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def noted() -> list[tuple[str, str]]:
    """What was done, and about what."""
    return list(AuditEntry.objects.order_by("pk").values_list("what", "about"))


def test_what_changes_something_is_noted(digest: Digest) -> None:
    """By whom on the machine, what, and about which thing."""
    edition = make_running()
    digest("edition", "pause", edition.pk)
    digest("newsletter", "pause", edition.newsletter.slug)
    assert noted() == [
        ("digest edition pause", f"edition {edition.pk}"),
        ("digest newsletter pause", edition.newsletter.slug),
    ]
    entry = AuditEntry.objects.earliest("pk")
    assert entry.user is None
    assert entry.who.endswith(", command line")


def test_looking_is_no_deed(digest: Digest) -> None:
    """Nor is what could not be done."""
    edition = make_edition(make_newsletter())
    digest("edition", "list")
    digest("edition", "show", edition.pk)
    digest("newsletter", "pause", "nowhere")
    assert noted() == []


def test_no_secret_and_nobody_forgotten_is_noted(digest: Digest) -> None:
    """A relay's address holds a password; who was erased is to be forgotten."""
    newsletter = make_newsletter(slug="tide")
    digest("subscriber", "add", "ines@reader.example", "--newsletter", "tide", "--confirmed")
    digest("subscriber", "erase", "ines@reader.example", "--yes")
    digest("relay", "add", "backup", "smtp://ada:hunter2@127.0.0.1:9")
    User.objects.create_user("ada@courier.example", "x", is_staff=True)
    digest("token", "add", "site", "--scope", "all")
    words = str(list(AuditEntry.objects.values()))
    assert "hunter2" not in words
    assert ("digest subscriber erase", "") in noted()
    assert ("digest token add", "site") in noted()
    assert (("digest relay add", "backup") in noted()) == Relay.objects.exists()
    assert newsletter.slug == "tide"
