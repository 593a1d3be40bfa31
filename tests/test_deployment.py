"""The files to deploy Digest with agree with the code: commands, settings, checks, limits."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).parent.parent
DEPLOYMENT = ROOT / "docs" / "deployment"
SETTINGS = {
    name
    for names in re.findall(r"^\| (`DIGEST_.+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    for name in re.findall(r"`(DIGEST_\w+)`", names)
}
# How sending is shared out: docs/operating.md explains these.
TIMINGS = set(
    re.findall(r"`(DIGEST_(?:TICK|SEND|LEASE)_\w+)`", (ROOT / "docs" / "operating.md").read_text())
)
PROCESSES = ("web", "worker", "beat", "inbound")
UNITS = sorted((DEPLOYMENT / "systemd").glob("*.service"))
MANIFESTS: list[dict[str, Any]] = [
    manifest
    for path in sorted((DEPLOYMENT / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
]


def parse_command(command: list[str]) -> None:
    """Let the command's own parser read its arguments."""
    name, *arguments = map(str, command)
    load_command_class(get_commands()[name], name).create_parser("digest", name).parse_args(
        arguments
    )


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    """Return the manifests of these kinds."""
    return [manifest for manifest in MANIFESTS if manifest["kind"] in kinds]


def template_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the pods' labels and description of a workload."""
    template: dict[str, Any] = manifest["spec"].get("jobTemplate", manifest)["spec"]["template"]
    return template


WORKLOADS = of_kind("Deployment", "StatefulSet", "Job", "CronJob")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file; what it shares is merged in."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


def test_compose_passes_every_setting_on(compose: dict[str, Any]) -> None:
    """So that none of the README's needs another file."""
    variables = {name.removesuffix("_FILE") for name in compose["x-digest"]["environment"]}
    image_only = {"DIGEST_DATA_DIR", "DIGEST_DEBUG"}  # the image's; never in production
    assert len(SETTINGS) > 25
    assert len(TIMINGS) == 4
    assert (SETTINGS | TIMINGS) - variables - image_only == set()


def test_compose_starts_other_services_only_when_asked(compose: dict[str, Any]) -> None:
    """A production start brings no Mailpit, and no PostgreSQL where there is one."""
    profiles = {name: service.get("profiles", []) for name, service in compose["services"].items()}
    assert {name for name, names in profiles.items() if not names} == {
        "migrate",
        "web",
        "worker",
        "beat",
    }
    assert (profiles["mailpit"], profiles["postgres"]) == (["mailpit"], ["all"])
    for service in compose["services"].values():
        for name, condition in dict(service.get("depends_on", {})).items():
            assert profiles[name] == [] or condition["required"] is False, name


def test_compose_limits_every_service(compose: dict[str, Any]) -> None:
    """Logs, memory and processors; and each that stays has a health check."""
    for name, service in compose["services"].items():
        assert service["logging"]["options"]["max-size"], name
        assert service["mem_limit"], name
        assert service["cpus"], name
        assert name == "migrate" or service["healthcheck"]["test"], name


def test_compose_gives_each_process_the_time_to_end(compose: dict[str, Any]) -> None:
    """As the units do; Docker kills after ten seconds otherwise, and a page takes up to thirty."""
    for unit in UNITS:
        name = unit.stem.removeprefix("digest-").rstrip("@")
        if seconds := re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE):
            assert compose["services"][name]["stop_grace_period"] == f"{seconds[0]}s", name


def test_the_image_can_make_backups() -> None:
    """Of the PostgreSQL that comes along: pg_dump refuses a server that is newer than itself."""
    compose = (ROOT / "docker-compose.yml").read_text()
    [server] = re.findall(r"POSTGRES_IMAGE:-postgres:(\d+)", compose)
    [client] = re.findall(
        r"POSTGRES_CLIENT=postgresql-client-(\d+)", (ROOT / "Dockerfile").read_text()
    )
    assert client >= server


@pytest.mark.parametrize("process", ["migrate", *PROCESSES])
def test_compose_runs_commands_that_there_are(compose: dict[str, Any], process: str) -> None:
    """And the health check asks for the process that runs."""
    service = compose["services"][process]
    parse_command(service["command"])
    if process != "migrate":
        assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "digest.alive", process]


def test_the_proxy_adds_to_the_compose_file(compose: dict[str, Any]) -> None:
    """It names a service that there is, and a file beside it."""
    proxy = yaml.safe_load((DEPLOYMENT / "caddy.yml").read_text())
    assert set(proxy["services"]) - {"caddy"} <= set(compose["services"])
    [path] = [volume.split(":")[0] for volume in proxy["services"]["caddy"]["volumes"][:1]]
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("manifest", WORKLOADS, ids=lambda row: row["metadata"]["name"])
def test_pods_run_our_commands_within_limits(manifest: dict[str, Any]) -> None:
    """As another user than root, with a file system that cannot be written, and not for ever."""
    pod = template_of(manifest)["spec"]
    [container] = pod["containers"]
    parse_command(container["args"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["resources"]["limits"]["memory"]
    claims = manifest["spec"].get("volumeClaimTemplates", [])
    volumes = {row["name"] for row in pod["volumes"]} | {row["metadata"]["name"] for row in claims}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    probe = container.get("livenessProbe", {})
    if command := probe.get("exec", {}).get("command"):
        assert command == ["python", "-m", "digest.alive", container["args"][0]]
    assert probe or manifest["kind"] in {"Job", "CronJob"}
    if "readinessProbe" not in container:  # a rolling update would go on before it is ready
        assert container["args"][0] in {"migrate", "inbound", "backup"}


def test_manifests_select_pods_that_there_are() -> None:
    """Services and disruption budgets too; web and workers have a budget."""
    labels = {
        template_of(manifest)["metadata"]["labels"]["app.kubernetes.io/component"]
        for manifest in WORKLOADS
    }
    assert labels == {"migrate", "backup", *PROCESSES}
    budgets = of_kind("PodDisruptionBudget")
    selectors = [row["spec"]["selector"]["matchLabels"] for row in budgets]
    selectors += [row["spec"]["selector"] for row in of_kind("Service")]
    selectors += [
        row["spec"]["selector"]["matchLabels"] for row in of_kind("Deployment", "StatefulSet")
    ]
    chosen = [selector["app.kubernetes.io/component"] for selector in selectors]
    assert set(chosen) <= labels
    assert {"web", "worker"} <= set(chosen[: len(budgets)])


def test_workers_keep_their_journals() -> None:
    """On a volume of their own, which outlives the pod."""
    [worker] = of_kind("StatefulSet")
    assert worker["metadata"]["name"] == "digest-worker"
    [claim] = worker["spec"]["volumeClaimTemplates"]
    assert (claim["metadata"]["name"], claim["spec"]["accessModes"]) == ("data", ["ReadWriteOnce"])


def test_manifests_set_settings_that_there_are() -> None:
    """A misspelt one would be without effect."""
    names = {name for row in of_kind("ConfigMap") for name in row["data"]}
    names |= {name for row in of_kind("Secret") for name in row["stringData"]}
    assert names - SETTINGS <= {"DIGEST_PICTURES_BUCKET"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_units_run_our_commands(unit: Path) -> None:
    """As a user of their own; processes with children end as a whole, the parent first."""
    text = unit.read_text()
    [command] = re.findall(r"^ExecStart=/opt/digest/bin/digest (.+)$", text, re.MULTILINE)
    parse_command(command.split())
    assert "User=digest\n" in text
    assert ("Restart=always\n" in text) == ("StartLimitIntervalSec=0\n" in text)
    has_children = command.split()[0] in {"web", "worker"}
    assert ("KillMode=mixed\n" in text) == has_children
    assert ("Type=notify\n" in text) == (command.split()[0] in {"worker", "beat"})


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is missing")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    """Every key and value; the program itself is not installed here."""
    for path in (DEPLOYMENT / "systemd").iterdir():
        text = path.read_text().replace("/opt/digest/bin/digest", "/bin/true")
        (tmp_path / path.name.replace("@.", "@1.")).write_text(text)
    names = sorted(str(path) for path in tmp_path.iterdir())
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    unit_lines = [line for line in result.stderr.splitlines() if "digest" in line]
    assert unit_lines == []
