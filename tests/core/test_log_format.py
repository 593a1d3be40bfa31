"""Logs as JSON: one object a line, with the ids of job or request, without addresses."""

import json
import os
import subprocess
import sys

LINES = """
import django
django.setup()
import logging
import structlog
from structlog.contextvars import bound_contextvars
with bound_contextvars(job="notices.send", job_id="0123456789ab"):
    structlog.get_logger("digest.notices").info("sent", to="ines@mail.example", number=3)
    logging.getLogger("django.request").warning("Not Found: /confirm/secret-of-somebody")
try:
    raise ValueError("a line\\nand another of tom@reader.example")
except ValueError:
    structlog.get_logger("digest.web").exception("failed")
"""


def lines(log_format: str) -> list[str]:
    """Return what a process logs in a format."""
    result = subprocess.run(
        [sys.executable, "-c", LINES],
        env={**os.environ, "DIGEST_LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stderr.splitlines()


def test_each_event_is_an_object_on_one_line() -> None:
    """Tracebacks too; what others log has the same keys; the domain of an address stays."""
    sent, missing, failed = map(json.loads, lines("json"))
    assert {"event": "sent", "level": "info", "number": 3}.items() <= sent.items()
    assert sent["to"] == "[redacted]@mail.example"
    for event in (sent, missing):
        assert (event["job"], event["job_id"]) == ("notices.send", "0123456789ab")
    assert missing["event"] == "Not Found: /confirm/[redacted]"
    assert "ValueError" in failed["exception"]
    assert "tom@" not in failed["exception"]
    assert sent["timestamp"].endswith("Z")


def test_another_format_is_refused() -> None:
    """In a line that names the choices."""
    assert lines("xml")[-1].endswith("DIGEST_LOG_FORMAT='xml': use text or json.")
