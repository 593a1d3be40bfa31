"""The checks of what an operator sets."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.backups import last
from digest.core.findings import Level
from digest.doctor.checks import Check
from digest.doctor.setup import (
    check_backup,
    check_base_url,
    check_data_folder,
    check_hosts,
    check_metrics,
    check_newsletters,
    check_secret_key,
)
from tests.cast import NOON, make_newsletter, make_source
from tests.doctor.levels import worst_level

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("check", "changes", "level"),
    [
        (check_base_url, {"DIGEST_BASE_URL": "https://news.example"}, Level.OK),
        (check_base_url, {"DIGEST_BASE_URL": "http://news.example"}, Level.FAIL),
        (check_base_url, {"DIGEST_BASE_URL": "http://localhost:8000"}, Level.WARN),
        (check_base_url, {"DIGEST_BASE_URL": "news"}, Level.FAIL),
        (check_secret_key, {"SECRET_KEY": "k" * 32}, Level.OK),
        (check_secret_key, {"SECRET_KEY": "k" * 31}, Level.FAIL),
        (check_secret_key, {"SECRET_KEY": "k" * 32, "DEBUG": True}, Level.WARN),
        (check_hosts, {"ALLOWED_HOSTS": ["digest.example"]}, Level.OK),
        (check_hosts, {"ALLOWED_HOSTS": ["*"]}, Level.WARN),
        (check_data_folder, {"DIGEST_DATA_DIR": Path("/nowhere")}, Level.FAIL),
    ],
)
def test_settings_are_checked(
    settings: Settings, check: Check, changes: dict[str, object], level: Level
) -> None:
    """Ready, ready for a trial, or not ready."""
    settings.DIGEST_BASE_URL = "https://digest.example"
    for name, value in changes.items():
        setattr(settings, name, value)
    assert worst_level(check) is level


def test_addresses_that_may_read_figures_need_a_known_proxy(settings: Settings) -> None:
    """Otherwise everybody behind it may have its address."""
    settings.DIGEST_BASE_URL = "https://news.example"
    assert list(check_metrics(NOON)) == []
    settings.DIGEST_METRICS_ALLOW = [ip_network("127.0.0.1")]
    assert worst_level(check_metrics) is Level.WARN
    settings.DIGEST_TRUSTED_PROXIES = [ip_network("10.0.0.9")]
    assert worst_level(check_metrics) is Level.OK


def test_a_newsletter_without_source_is_named() -> None:
    """It would have nothing to send."""
    newsletter = make_newsletter(slug="tide")
    assert [finding.summary for finding in check_newsletters(NOON)] == ["tide has no source."]
    make_source(newsletter)
    assert list(check_newsletters(NOON)) == []


@pytest.mark.parametrize(("days", "level"), [(6, Level.OK), (8, Level.WARN)])
def test_a_backup_grows_old(days: int, level: Level) -> None:
    """It is named with its time and where it is, whichever machine made it."""
    last.write(last.LastBackup(NOON - timedelta(days=days), "/mnt/digest.age", 1_000))
    [finding] = check_backup(NOON)
    assert finding.level is level
    assert "UTC (/mnt/digest.age)" in finding.summary
