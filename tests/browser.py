"""A real browser in front of Django's live server; a complaint on its console fails the test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
_absent = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM} (see CHROMIUM)"
)


def in_browser(test: Any) -> Any:
    """Mark a test that drives one; it is skipped where none is installed."""
    return pytest.mark.browser(_absent(test))


@contextmanager
def chromium_page(**context: Any) -> Iterator[Page]:
    """A page of a Chromium without a window."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        # Django does not touch its database within a running loop, which playwright has here.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = chromium.new_context(**context).new_page()
        made.set_default_timeout(15_000)
        made.on(
            "console",
            lambda said: (
                complaints.append(f"{made.url}: {said.text}")
                if said.type in {"error", "warning"}
                else None
            ),
        )
        made.on("pageerror", lambda problem: complaints.append(str(problem)))
        yield made
        chromium.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    assert complaints == [], "\n".join(complaints)
