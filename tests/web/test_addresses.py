"""The addresses of the public pages, as links are made of them."""

from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.urls import resolve

from digest.core.links import Page

VALUES = {
    "slug": "tide",
    "key": "20990101T060000Z",
    "token": "a",
    "uuid": UUID(int=1),
    "name": "a.png",
    "kind": "latest",
}


@pytest.mark.parametrize("page", Page)
def test_every_page_that_links_lead_to_is_served(page: Page) -> None:
    """With the values that its address was made of."""
    suffix = ".gif" if page is Page.OPEN else ""
    match = resolve(urlsplit(page.url(**VALUES)).path + suffix)
    assert match.route == page + suffix
    assert match.kwargs == {name: VALUES[name] for name in match.kwargs}
    assert page.url(**VALUES).startswith(page.beginning)
