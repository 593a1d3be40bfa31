"""`digest import`: what comes from another service, at the terminal."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscription
from tests.cast import exports
from tests.cli.conftest import Digest
from tests.provider_server import Answer, ProviderServer
from tests.transfers import services

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


def test_an_export_is_shown_then_imported(digest: Digest, tide: Newsletter, tmp_path: Path) -> None:
    """A dry run changes nothing and says the same; skipped rows are written to a file."""
    path = exports.zipped(tmp_path / "export.zip", exports.mailchimp_account())
    arguments = (
        "import",
        path,
        "--newsletter",
        "tide",
        "--issues",
        "all",
        "--consent",
        "at a fair",
    )
    result = digest(*arguments, "--dry-run")
    assert "Nothing has been changed." in result.out
    assert "Exported from Mailchimp." in result.out
    assert not Subscription.objects.exists()
    result = digest(*arguments, "--report", tmp_path / "skipped.csv")
    assert (result.status, tide.past_issues.count()) == (0, 1)
    assert "Past issues: 1 added, 0 unchanged." in result.out
    assert "gone@mc.example" in (tmp_path / "skipped.csv").read_text()
    assert Subscription.objects.filter(state="active").count() == 2
    assert digest(*arguments, "--json").json["subscribers"]["unchanged"] == 2


def test_a_service_is_fetched_with_a_key_of_the_environment(
    digest: Digest, tide: Newsletter, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Which is no argument and is never printed."""
    arguments = ("import", "--from", "listmonk", "--newsletter", "tide", "--consent", "at a fair")
    result = digest(*arguments, "--url", "https://lists.example")
    assert "Set DIGEST_IMPORT_KEY to the key." in result.err
    monkeypatch.setenv("DIGEST_IMPORT_KEY", services.LISTMONK_KEY)
    with ProviderServer(lambda _: Answer(404), pages=services.listmonk) as server:
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        result = digest(*arguments, "--url", server.url)
    assert result.status == 0
    assert Subscription.objects.get(state="active").subscriber.email == "confirmed@lm.example"
    assert "s3cret" not in result.out + result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--newsletter", "tide"], "Name the files"),
        (["a.csv", "--newsletter", "tide"], "There is no file a.csv."),
        (["a.csv", "--newsletter", "tides"], "There is no newsletter 'tides'."),
    ],
)
def test_what_is_missing_is_said(
    digest: Digest, tide: Newsletter, arguments: list[str], message: str
) -> None:
    """In one line."""
    result = digest("import", *arguments, "--consent", "x")
    assert result.status == 1
    assert message in result.err
