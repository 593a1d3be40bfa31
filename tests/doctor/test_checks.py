"""`digest doctor`: each question, answered well and badly."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import pytest
from pytest_django.fixtures import Settings

from digest.core.findings import Finding, Level
from digest.doctor import checks, senders, signing
from digest.relays.dkim.generation import generate_key
from digest.relays.probe import relay
from tests.cast import NOON, make_newsletter, make_publication, make_source
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db

Check = Callable[[datetime], Iterator[Finding]]


def worst(check: Check) -> Level:
    """The gravest level among a check's findings."""
    return max((one.level for one in check(NOON)), key=["ok", "warn", "fail"].index)


@pytest.mark.parametrize(
    ("check", "changed", "level"),
    [
        (checks.base_url, {"DIGEST_BASE_URL": "https://news.example"}, Level.OK),
        (checks.base_url, {"DIGEST_BASE_URL": "http://news.example"}, Level.FAIL),
        (checks.base_url, {"DIGEST_BASE_URL": "http://localhost:8000"}, Level.WARN),
        (checks.base_url, {"DIGEST_BASE_URL": "news"}, Level.FAIL),
        (checks.secret_key, {"SECRET_KEY": "k" * 32}, Level.OK),
        (checks.secret_key, {"SECRET_KEY": "k" * 31}, Level.FAIL),
        (checks.secret_key, {"SECRET_KEY": "k" * 32, "DEBUG": True}, Level.WARN),
        (checks.hosts, {"ALLOWED_HOSTS": ["digest.example"]}, Level.OK),
        (checks.hosts, {"ALLOWED_HOSTS": [".example"]}, Level.OK),
        (checks.hosts, {"ALLOWED_HOSTS": ["*"]}, Level.WARN),
        (checks.hosts, {"ALLOWED_HOSTS": ["notdigest.example"]}, Level.FAIL),
        (checks.data_folder, {"DIGEST_DATA_DIR": Path("/nowhere")}, Level.FAIL),
        (checks.valkey, {}, Level.OK),
        (checks.valkey, {"DIGEST_REDIS_URL": "redis://127.0.0.1:1"}, Level.FAIL),
        (checks.valkey, {"DIGEST_REDIS_URL": "nonsense"}, Level.FAIL),
        (checks.workers, {"DIGEST_BROKER_URL": "redis://127.0.0.1:1"}, Level.FAIL),
        (relay, {"DIGEST_SMTP_URL": ""}, Level.FAIL),
        (relay, {"DIGEST_SMTP_URL": "smtp://127.0.0.1:1"}, Level.FAIL),
        (relay, {"DIGEST_SMTP_URL": "http://relay"}, Level.FAIL),
        (relay, {"DIGEST_SMTP_URL": "smtp://relay:many"}, Level.FAIL),
    ],
)
def test_settings_are_judged(
    settings: Settings, check: Check, changed: dict[str, object], level: Level
) -> None:
    """Fit, fit for trying out, or not fit."""
    settings.DIGEST_BASE_URL = "https://digest.example"
    for name, value in changed.items():
        setattr(settings, name, value)
    assert worst(check) is level


def test_every_finding_that_is_not_well_comes_with_advice(settings: Settings) -> None:
    """A doctor who only shakes their head is of no use."""
    settings.DIGEST_SMTP_URL = ""
    settings.DIGEST_BASE_URL = "http://news.example"
    make_newsletter()
    findings = list(checks.examine(NOON, (relay, senders.senders, signing.signing)))
    assert [one.what for one in findings if bool(one.advice) == (one.level is Level.OK)] == []


@pytest.mark.real_clock
def test_a_migrated_database_with_the_right_time_is_well() -> None:
    """The clock is compared with the database's own."""
    from digest.core import clock

    assert {one.level for one in checks.database(clock.now())} == {Level.OK}
    late = list(checks.database(clock.now() - timedelta(minutes=1)))
    assert late[-1].level is Level.WARN
    assert "clock" in late[-1].what


def test_beat_shows_in_sources_that_are_not_overdue() -> None:
    """A source that nobody polls for a quarter of an hour is nobody's."""
    assert worst(checks.beat) is Level.WARN
    source = make_source(next_poll_at=NOON - timedelta(minutes=14))
    assert worst(checks.beat) is Level.OK
    source.next_poll_at = NOON - timedelta(minutes=16)
    source.save()
    assert worst(checks.beat) is Level.FAIL
    source.gone_at = NOON
    source.save()
    assert worst(checks.beat) is Level.WARN


def test_a_newsletter_without_source_is_named() -> None:
    """It would have nothing to send."""
    newsletter = make_newsletter(slug="tide")
    assert [one.what for one in checks.newsletters(NOON)] == ["tide has no source."]
    make_source(newsletter)
    assert list(checks.newsletters(NOON)) == []


def test_senders_need_a_postal_address_and_a_domain_of_their_own() -> None:
    """What is reserved for examples is said to be."""
    make_publication(postal_address=" ", sender_email="news@courier.example")
    levels = [one.level for one in senders.senders(NOON)]
    assert levels == [Level.FAIL, Level.WARN]


Zone = dict[str, list[str]]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    """DNS as scripted: names to TXT records; a name that is not here does not exist."""
    records: Zone = {}

    def resolve(name: str, kind: str, lifetime: float) -> dns.resolver.Answer:
        if "timeout" in records:
            raise dns.exception.Timeout
        if name not in records:
            raise dns.resolver.NXDOMAIN
        lines = "".join(f'{name}. 60 IN TXT "{text}"\n' for text in records[name])
        answer = dns.message.from_text(
            f"id 1\nopcode QUERY\nrcode NOERROR\nflags QR\n"
            f";QUESTION\n{name}. IN TXT\n;ANSWER\n{lines}"
        )
        assert isinstance(answer, dns.message.QueryMessage)
        asked = dns.name.from_text(name)
        return dns.resolver.Answer(asked, dns.rdatatype.TXT, dns.rdataclass.IN, answer)

    monkeypatch.setattr("dns.resolver.resolve", resolve)
    return records


@pytest.mark.parametrize(
    ("records", "levels"),
    [
        ({"a.org": ["v=spf1 -all"], "_dmarc.a.org": ["v=DMARC1; p=none"]}, ["ok", "ok"]),
        ({"a.org": ["other"], "_dmarc.a.org": ["v=DMARC1; p=none"]}, ["warn", "ok"]),
        ({"a.org": ["v=spf1 -all", "v=spf1 +all"]}, ["warn", "warn"]),
        ({"a.org": []}, ["warn", "warn"]),
        ({}, ["fail"]),
        ({"timeout": []}, ["warn"]),
    ],
)
def test_what_dns_says_of_a_sender(zone: Zone, records: Zone, levels: list[str]) -> None:
    """Missing records are a warning, a missing domain a failure, silence is unknown."""
    zone.update(records)
    assert [one.level.value for one in senders.sender_domain("a.org")] == levels


def test_a_subdomain_is_covered_by_the_policy_above_it(zone: Zone) -> None:
    """RFC 7489 §6.6.3."""
    zone |= {"mail.a.org": ["v=spf1 -all"], "_dmarc.a.org": ["v=DMARC1; p=none"]}
    assert [one.level for one in senders.sender_domain("mail.a.org")] == [Level.OK, Level.OK]


@pytest.mark.parametrize(
    ("sender", "published", "level", "words"),
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
    words: str,
) -> None:
    """What nobody can verify is worse than no signature."""
    key = generate_key(tmp_path / "key.pem", "a.org", "s1", ed25519=True)
    settings.DIGEST_DKIM_KEYS = [f"a.org:s1:{key.path}"]
    settings.DIGEST_SMTP_URL = "smtp://relay.a.org"
    make_publication(sender_email=f"news@{sender}")
    if published == "timeout":
        zone["timeout"] = []
    elif published:
        public = key.record.partition("p=")[2]
        zone[key.record_name] = [published.format(record=key.record, key=public)]
    [found] = signing.signing(NOON)
    assert (found.level, words in found.what) == (level, True)
    assert (key.record in found.advice) == (level == "fail")


@pytest.mark.parametrize(("entries", "level"), [([], "ok"), (["a.org:s1:/nowhere.pem"], "fail")])
def test_without_keys_of_ours_somebody_else_signs(
    settings: Settings, entries: list[str], level: str
) -> None:
    """The relay; a key that cannot be read stops all mail."""
    settings.DIGEST_DKIM_KEYS = entries
    assert worst(signing.signing) == level


def test_doctor_exits_with_1_if_anything_fails(digest: Digest, settings: Settings) -> None:
    """On the screen and in JSON alike; nobody's relay is touched."""
    settings.DIGEST_SMTP_URL = ""
    said = digest("doctor")
    assert said.status == 1
    assert "fail  No relay is set." in said.out
    assert "Not fit to send yet." in said.out
    said = digest("doctor", "--json")
    assert (said.status, said.facts["fit"]) == (1, False)
    assert {"level": "ok", "what": "Valkey answers.", "advice": ""} in said.facts["findings"]


@pytest.mark.parametrize(("encoding", "found"), [("UTF8", 0), ("SQL_ASCII", 1), ("LATIN1", 1)])
def test_a_database_that_cannot_hold_every_script_is_not_fit(encoding: str, found: int) -> None:
    """PostgreSQL's initdb in a container without a locale makes SQL_ASCII."""
    assert len(list(checks._fit_to_hold_text(encoding))) == found
