"""`digest dkim`: keys and what to publish."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.relays.dkim import all_keys
from tests.cli.conftest import Digest


@pytest.mark.parametrize(("arguments", "kind"), [([], "RSA 2048"), (["--ed25519"], "Ed25519")])
def test_a_new_key_can_be_used_at_once(
    digest: Digest, settings: Settings, tmp_path: Path, arguments: list[str], kind: str
) -> None:
    """The entry that it prints works, and `show` prints the same record again."""
    path = tmp_path / "key.pem"
    result = digest("dkim", "new", "Courier.Example", "digest-2026", "--out", path, *arguments)
    assert result.status == 0
    record, entry = result.out.split("\n\n  ")[1:]
    assert record.startswith('digest-2026._domainkey.courier.example. IN TXT "v=DKIM1; k=')
    assert path.stat().st_mode & 0o777 == 0o600
    settings.DIGEST_DKIM_KEYS = [entry.strip()]
    [key] = all_keys()
    assert key.kind == kind
    [row] = digest("dkim", "show", "--json").json
    assert row["record"] == key.record
    assert record.partition("\n")[0] in digest("dkim", "show").out
    assert "PRIVATE" not in result.out


def test_a_key_is_never_overwritten(digest: Digest, tmp_path: Path) -> None:
    """Its public half may be in DNS."""
    path = tmp_path / "key.pem"
    path.write_text("dear")
    result = digest("dkim", "new", "courier.example", "s1", "--out", path)
    assert (result.status, "exists already" in result.err) == (1, True)
    assert path.read_text() == "dear"


@pytest.mark.parametrize("arguments", [("courier", "s1"), ("courier.example", "s 1")])
def test_an_invalid_name_makes_no_key(
    digest: Digest, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    """Nothing is left behind."""
    assert digest("dkim", "new", *arguments, "--out", tmp_path / "key.pem").status == 1
    assert list(tmp_path.iterdir()) == []


def test_without_keys_it_says_how_to_make_one(digest: Digest, settings: Settings) -> None:
    """An empty list would not help."""
    settings.DIGEST_DKIM_KEYS = []
    assert "digest dkim new" in digest("dkim", "show").out
    assert digest("dkim", "show", "--json").json == []
