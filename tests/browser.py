"""A real browser in front of Django's live server; a complaint on its console fails the test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
expect.set_options(timeout=15_000)  # as long as an action may take
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
        page = chromium.new_context(**context).new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        yield page
        chromium.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    assert complaints == [], "\n".join(complaints)
