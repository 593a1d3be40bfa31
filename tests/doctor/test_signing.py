"""The check of our DKIM keys."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.doctor.signing import check_signing
from digest.relays.dkim.generation import generate_key
from tests.cast import NOON, make_publication
from tests.doctor.levels import Zone, worst_level

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sender", "published", "level", "text"),
    [
        ("a.org", "{record}", "ok", "the key is published"),
        ("mail.a.org", "{record}", "ok", "is signed by a.org, s1 (Ed25519)"),
        ("a.org", "p={key} ; k = ed25519", "ok", "the key is published"),
        ("a.org", "v=DKIM1; k=ed25519; p=", "fail", "another key"),
        ("a.org", None, "fail", "not published"),
        ("b.org", "{record}", "warn", "b.org is not signed"),
        ("timeout.a.org", "timeout", "warn", "unknown"),
    ],
)
def test_a_key_that_signs_has_to_be_published(
    zone: Zone,
    settings: Settings,
    tmp_path: Path,
    sender: str,
    published: str | None,
    level: str,
    text: str,
) -> None:
    """A signature that nobody can verify is worse than none."""
    key = generate_key(tmp_path / "key.pem", "a.org", "s1", ed25519=True)
    settings.DIGEST_DKIM_KEYS = [f"a.org:s1:{key.path}"]
    settings.DIGEST_SMTP_URL = "smtp://relay.a.org"
    make_publication(sender_email=f"news@{sender}")
    if published == "timeout":
        zone["timeout"] = []
    elif published:
        public = key.record.partition("p=")[2]
        zone[key.record_name] = [published.format(record=key.record, key=public)]
    [finding] = check_signing(NOON)
    assert (finding.level, text in finding.summary) == (level, True)
    assert (key.record in finding.record) == (level == "fail")


@pytest.mark.parametrize(("entries", "level"), [([], "ok"), (["a.org:s1:/nowhere.pem"], "fail")])
def test_without_our_keys_the_relay_signs(
    settings: Settings, entries: list[str], level: str
) -> None:
    """A key that cannot be read stops all mail."""
    settings.DIGEST_DKIM_KEYS = entries
    assert worst_level(check_signing) == level
