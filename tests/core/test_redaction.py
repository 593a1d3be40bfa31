"""What stands in logs opens nothing."""

import io
import logging
import logging.config
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.log import AdminEmailHandler

import digest.urls
from digest.accounts import first_account
from digest.core import clock, links
from digest.core.redaction import REDACTED, redact
from digest.web import urls as web_urls

TOKEN = links.sign("unsubscribe", 7, 8, 9)
STORY = links.sign("story", 7, 8)


def broken(_request: HttpRequest, **_: str) -> HttpResponse:
    """A view with a fault, whose traceback quotes an address."""
    raise RuntimeError(f"no answer from https://digest.example/preferences/{TOKEN}")


urlpatterns = [
    path("confirm/<str:token>", broken),
    path("broken/", broken),
    *digest.urls.urlpatterns,
]


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    """What this process logs from now on, as our handler writes it and as a foreign one does."""
    config: dict[str, Any] = django_settings.LOGGING
    own_stream, foreign_stream, root = io.StringIO(), io.StringIO(), logging.getLogger()
    configurator = logging.config.DictConfigurator(config)
    formatter = configurator.configure_formatter(dict(config["formatters"]["line"]))
    handlers = [logging.StreamHandler(own_stream), logging.StreamHandler(foreign_stream)]
    handlers[0].setFormatter(formatter)
    for handler in handlers:
        root.addHandler(handler)
    yield lambda: own_stream.getvalue() + foreign_stream.getvalue()
    for handler in handlers:
        root.removeHandler(handler)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"/unsubscribe/{TOKEN}", "/unsubscribe/*"),
        (f"https://d.example/confirm/{TOKEN}: 404", "https://d.example/confirm/*: 404"),
        (f"/preferences/{TOKEN}/export", "/preferences/*/export"),
        (f"/change/{TOKEN}x?lang=de", "/change/*?lang=*"),
        (f"/click/{STORY}/{STORY}", "/click/*"),
        (f"/issue/{STORY}", "/issue/*"),
        ("https://site.example/click/news", "https://site.example/click/news"),
        (f"/admin/invitation/{TOKEN}/", "/admin/invitation/*/"),
        (
            "/admin/account/password/reset/key/2-c3f0-0123abcd/",
            "/admin/account/password/reset/key/*/",
        ),
        (f"/admin/setup/account/?code={TOKEN}", "/admin/setup/account/?code=*"),
        (f"/x?{TOKEN}", "/x?*"),
        (f"GET /unsubscribe//{TOKEN} HTTP/1.1", "GET /unsubscribe//* HTTP/1.1"),
        ("/unsubscribe/%41%42c HTTP/1.1", "/unsubscribe/* HTTP/1.1"),
        (f"/UNSUBSCRIBE/{TOKEN}", "/UNSUBSCRIBE/*"),
        (f"<WSGIRequest: GET '/unsubscribe/{TOKEN}'>", "<WSGIRequest: GET '/unsubscribe/*'>"),
        (f"b'RCPT TO:<unsubscribe+{TOKEN}@in.example>'", "b'RCPT TO:<unsubscribe+*@in.example>'"),
        (f"bounce+{TOKEN.lower()}@b.example", "bounce+*@b.example"),
        (f"/admin/login/?next=/unsubscribe/{TOKEN}&a=1", "/admin/login/?next=*&a=*"),
        (f"/x?next=%2Fconfirm%2F{TOKEN}", "/x?next=*"),
        ("Authorization: Bearer dg_0123456789abcdef", "Authorization: Bearer dg_*"),
        ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer *"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*"),
        ("redis://:secret@valkey:6379/0", "redis://*@valkey:6379/0"),
        ("smtp://user:pa%20ss@host:587", "smtp://*@host:587"),
        ("Is it so? Nobody can change/confirm it.", "Is it so? Nobody can change/confirm it."),
        ("/admin/team/5/change/ and 3/4", "/admin/team/5/change/ and 3/4"),
        ("https://x.example/a?b", "https://x.example/a?b"),
        ("unsubscribe/", "unsubscribe/"),
    ],
)
def test_secrets_are_replaced_and_nothing_else(text: str, redacted: str) -> None:
    """In paths, query strings, addresses, headers, however they are spelled."""
    assert redact(text) == redacted.replace("*", REDACTED)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("name", ["django.request", "gunicorn.error", "celery.worker", "digest.x"])
def test_every_logger_is_covered(lines: Callable[[], str], name: str) -> None:
    """In the message, in its arguments whatever they are, and in a traceback."""
    log = logging.getLogger(name)
    log.propagate = True
    log.error("plain /unsubscribe/" + TOKEN)  # noqa: G003  others do so
    log.error("argument %s", f"/confirm/{TOKEN}")
    log.error("object %r", {"path": f"/preferences/{TOKEN}"})
    log.error("named %(path)s", {"path": f"/click/{STORY}"})
    structlog.get_logger(name).error("structured", path=f"/change/{TOKEN}", code=f"/?code={TOKEN}")
    written = lines()
    assert written.count(REDACTED) >= 9
    assert STORY not in written
    assert TOKEN not in written


def test_no_requests_are_mailed() -> None:
    """Django's handler would mail tokens and cookies to ADMINS."""
    names = ["django", *(name for name in logging.root.manager.loggerDict if "django." in name)]
    handlers = [handler for name in names for handler in logging.getLogger(name).handlers]
    assert not any(isinstance(handler, AdminEmailHandler) for handler in handlers)


@pytest.mark.django_db
@pytest.mark.urls("tests.core.test_redaction")
def test_pages_that_fail_log_no_token(client: Client, lines: Callable[[], str]) -> None:
    """Neither one that does not exist nor one with a fault, traceback included."""
    client.raise_request_exception = False
    code = links.sign_until("first-account", clock.now() + timedelta(days=1))
    assert client.get(f"/confirm/{TOKEN}").status_code == 500
    assert client.get(f"/broken/?code={code}").status_code == 500
    assert client.get(f"/unsubscribe/{TOKEN}/nowhere").status_code == 404
    written = lines()
    assert "RuntimeError" in written
    assert "/unsubscribe/" in written
    assert code not in written
    assert TOKEN not in written


def test_the_setup_code_is_shown_where_it_belongs(db: None) -> None:
    """In the terminal; the same address in a log opens nothing."""
    url = first_account.setup_url(clock.now())
    assert redact(url).endswith(f"?code={REDACTED}")


@pytest.mark.parametrize(
    "route", [str(row.pattern) for row in web_urls.urlpatterns if "token>" in str(row.pattern)]
)
def test_every_public_address_with_a_token_is_redacted(route: str) -> None:
    """A new page whose token would stand in logs fails here."""
    address = "/" + re.sub(r"<str:\w+>", TOKEN, route)
    assert TOKEN not in redact(f"GET {address} 200")
