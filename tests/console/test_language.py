"""The console is in English, whatever the browser asks for."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.translation import get_language

from digest.console.middleware import ConsoleLanguage
from digest.web.middleware import Language


def _active_language(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_language())


@pytest.mark.parametrize(
    ("path", "expected"), [("/admin/", "en"), ("/admin/issues/", "en"), ("/", "de")]
)
def test_the_console_is_in_english(path: str, expected: str) -> None:
    """A German browser gets German public pages, and a console that is English throughout."""
    respond = Language(ConsoleLanguage(_active_language))
    request = RequestFactory().get(path, HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9,en;q=0.5")
    assert respond(request).content.decode() == expected
