"""The alert rules and the dashboard that come along name metrics that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from digest.core.telemetry.metrics import COUNTERS, HISTOGRAMS
from digest.monitoring import exposition

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
ALERTS, DASHBOARD = FOLDER / "alerts.yml", FOLDER / "dashboard.json"

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing")


def expressions() -> Iterator[str]:
    """Yield each expression of the rules and of the dashboard."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


@pytest.mark.django_db
def test_every_metric_that_is_asked_for_exists() -> None:
    """A rule about a metric that was renamed would be silent for ever."""
    text = exposition.expose().decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    names = families | {f"{counter.name}_total" for counter in COUNTERS}
    endings = ("_bucket", "_sum", "_count")
    names |= {f"{histogram.name}{end}" for histogram in HISTOGRAMS for end in endings}
    used = {name for text in expressions() for name in re.findall(r"\bdigest_\w+", text)}
    assert len(used) > 20
    assert used <= names


@needs_promtool
def test_the_rules_can_be_loaded() -> None:
    """By Prometheus itself."""
    result = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@needs_promtool
@pytest.mark.django_db
def test_the_figures_can_be_read() -> None:
    """By Prometheus itself: types, help texts, labels."""
    result = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition.expose(),
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr.decode()) == (0, "")


@needs_promtool
def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    """Beat is silent for six minutes and one relay is down; nothing else is wrong."""
    series = {
        'digest_up{service="database"}': "1+0x30",
        'digest_up{service="valkey"}': "1+0x30",
        'digest_processes{process="worker",host="one",version="1"}': "1+0x30",
        "digest_beat_timestamp_seconds": "0+0x30",
        "digest_mail_held": "0+0x30",
        "digest_late_issues": "0+0x30",
        'digest_relay_up{relay="first"}': "1+0x30",
        'digest_relay_up{relay="second"}': "0+0x30",
    }
    relay = {"severity": "critical", "relay": "second"}
    expected = {
        "DigestBeatSilent": [{"severity": "critical"}],
        "DigestRelayDown": [relay],
        "DigestNoWorker": [],
        "DigestServiceAway": [],
        "DigestNotScraped": [],
        "DigestIssueLate": [],
    }
    checks = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "alert_rule_test": [
                    {
                        "eval_time": "10m",
                        "alertname": name,
                        "exp_alerts": [
                            {"exp_labels": labels, "exp_annotations": annotations(name, labels)}
                            for labels in fired
                        ],
                    }
                    for name, fired in expected.items()
                ],
            }
        ],
    }
    path = tmp_path / "checks.yml"
    path.write_text(yaml.safe_dump(checks))
    result = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def annotations(name: str, labels: dict[str, str]) -> dict[str, str]:
    """Return a rule's annotations, with the values of labels in them."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    [rule] = [rule for rule in group["rules"] if rule["alert"] == name]
    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match[1]], text)
        for key, text in rule["annotations"].items()
    }
