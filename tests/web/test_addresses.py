"""The addresses of our pages: each name leads to one, and what mails link to is one of them."""

from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.urls import get_resolver, resolve
from django.urls.resolvers import URLPattern, URLResolver

from digest.core import links
from digest.core.links import NOBODY
from digest.newsletters.models import Newsletter
from digest.rendering.links import archive_url, sign_up_url

TIDE = Newsletter(slug="tide")


def names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> list[str]:
    """Return the name of each page of ours below these patterns."""
    result = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            result += names(pattern.url_patterns, inner)
        elif pattern.name and pattern.lookup_str.startswith("digest."):
            result.append(namespace + pattern.name)
    return result


def test_a_name_leads_to_one_page() -> None:
    """Of two with one name, `reverse` takes the last."""
    assert [
        name for name, number in Counter(names(get_resolver().url_patterns)).items() if number > 1
    ] == []


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (links.ways_out(NOBODY, NOBODY)[0], "unsubscribe"),
        (links.preferences_url(NOBODY, NOBODY), "preferences"),
        (links.issue_url(NOBODY), "linked-issue"),
        (links.click_url(NOBODY, NOBODY), "click"),
        (links.click_url(NOBODY, NOBODY) + f"/{links.NOT_COUNTED}", "click-of-subscriber"),
        (links.open_url(NOBODY) + ".gif", "open"),
        (archive_url(TIDE), "archive"),
        (sign_up_url(TIDE), "subscribe"),
    ],
)
def test_what_mails_link_to_is_a_page(address: str, name: str) -> None:
    """The links of mails are written below the pages; here both meet."""
    assert resolve(urlsplit(address).path).url_name == name
