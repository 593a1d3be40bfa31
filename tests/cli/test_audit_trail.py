"""The audit log knows what was done on the command line, and nothing secret."""

import pytest

from digest.accounts.models import AuditEntry, User
from digest.relays.models import Relay
from tests.cast import make_issue, make_newsletter, make_running
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def noted() -> list[tuple[str, str]]:
    """What was done, and about what."""
    return list(AuditEntry.objects.order_by("pk").values_list("action", "target"))


def test_what_changes_something_is_noted(digest: Digest) -> None:
    """By whom on the machine, what, and about which thing."""
    issue = make_running()
    digest("issue", "pause", issue.pk)
    digest("newsletter", "pause", issue.newsletter.slug)
    assert noted() == [
        ("digest issue pause", f"issue {issue.pk}"),
        ("digest newsletter pause", issue.newsletter.slug),
    ]
    entry = AuditEntry.objects.earliest("pk")
    assert entry.user is None
    assert entry.actor.endswith(", command line")


def test_looking_is_no_deed(digest: Digest) -> None:
    """Nor is what could not be done."""
    issue = make_issue(make_newsletter())
    digest("issue", "list")
    digest("issue", "show", issue.pk)
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
