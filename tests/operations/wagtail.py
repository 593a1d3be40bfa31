"""The module for Wagtail in a real Wagtail: `python -m tests.operations.wagtail`.

Installs Wagtail into a fresh environment, starts a project with it; publishes, corrects, takes down
and restricts a page there, and reads the calls as Digest does. Needs a package index; takes about a
minute.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from digest.connectors import bundles, signatures
from digest.connectors.reading import read_standard
from digest.core import sealing
from tests.provider_server import Answer, ProviderServer, Request

SECONDS = 600
SETTINGS = """
from .base import *
SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
DIGEST_CONNECTION_URL = {url!r}
DIGEST_CONNECTION_SECRET = {secret!r}
"""
SCRIPT = """
import time
import django
django.setup()
from home import digest_wagtail
from home.models import HomePage
from wagtail.models import PageViewRestriction

digest_wagtail.connect(HomePage, lambda page: {"title": page.title, "tags": ["Harbour"]})
page = HomePage.objects.get()
for title in ("Ferry stops", "Ferry stopped"):
    page.title = title
    page.save_revision().publish()
    page.refresh_from_db()
    time.sleep(1)
page.unpublish()
time.sleep(1)
page.save_revision().publish()
PageViewRestriction.objects.create(page=page, restriction_type="login")
page.save_revision().publish()
time.sleep(15)
"""


def main() -> int:
    """Print what arrived; return 0 if it is what happened."""
    calls: queue.Queue[Request] = queue.Queue()

    busy = iter([Answer(503)])  # the first call is tried again: those behind it wait

    def record(request: Request) -> Answer:
        if answer := next(busy, None):
            return answer
        calls.put(request)
        return Answer(202)

    secret = sealing.new_webhook_secret()
    with ProviderServer(record) as server, tempfile.TemporaryDirectory() as name:
        publish(Path(name), server.url, secret)
    actions = [read(calls.get_nowait(), secret) for _ in range(calls.qsize())]
    print("\n".join(actions))
    kinds = [action.partition(" ")[0] for action in actions]
    guids = {action.split()[1] for action in actions}
    expected = ["publish", "correct", "retract", "correct", "retract", "retract"]
    return 0 if kinds == expected and guids == {"wagtail:localhost:3"} else 1


def publish(folder: Path, url: str, secret: str) -> None:
    """Do with a page of a new project what editors do."""
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", str(environment)])
    run([str(environment / "bin" / "pip"), "install", "-qq", "wagtail"])
    run([str(environment / "bin" / "wagtail"), "start", "courier", str(folder)])
    (folder / "home" / "digest_wagtail.py").write_text(bundles.wagtail_module())
    settings = SETTINGS.format(url=url, secret=secret)
    (folder / "courier" / "settings" / "reporting.py").write_text(settings)
    (folder / "script.py").write_text(SCRIPT)
    python = str(environment / "bin" / "python")
    variables = os.environ | {"DJANGO_SETTINGS_MODULE": "courier.settings.reporting"}
    for command in ([python, "manage.py", "migrate", "-v0"], [python, "script.py"]):
        run(command, folder, variables)


def run(
    command: list[str], folder: Path | None = None, variables: dict[str, str] | None = None
) -> None:
    """Run a command to its end."""
    subprocess.run(command, cwd=folder, env=variables, check=True, timeout=SECONDS)


def read(request: Request, secret: str) -> str:
    """Return what a call reports, once its signature is checked."""
    headers = dict(request.headers.items())
    lowered = {name.lower(): value for name, value in headers.items()}
    signatures.check_standard(secret, lowered, request.body, datetime.now(UTC))
    change = read_standard(json.loads(request.body))
    assert change
    return f"{change.action} {change.entry.guid} {change.entry.title} {change.entry.url}"


if __name__ == "__main__":
    sys.exit(main())
