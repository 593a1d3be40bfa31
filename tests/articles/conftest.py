"""Fixtures of the articles floor."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.articles.publisher import Publisher, publishing


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    """A scripted web server that Digest may fetch from."""
    with publishing(settings) as running:
        yield running
