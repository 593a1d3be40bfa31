"""What stands before the form where the operator wants it."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import altcha.v1 as altcha
import pytest
from django.test import Client

from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.subscribers.models import SignUp
from digest.web import captcha
from digest.web.captcha.turnstile import Turnstile
from tests.cast import make_newsletter
from tests.web.signing_up import sign_up

pytestmark = pytest.mark.django_db


def solved() -> str:
    """The field of a form whose challenge was solved."""
    widget = captcha.widget(clock.now())
    assert widget is not None
    challenge = widget.options["challenge"]
    solution = altcha.solve_challenge(
        challenge["challenge"], challenge["salt"], challenge["algorithm"], challenge["maxNumber"]
    )
    assert solution is not None
    names = ("algorithm", "challenge", "salt", "signature")
    answer = {name: challenge[name] for name in names} | {"number": solution.number}
    return base64.b64encode(json.dumps(answer).encode()).decode()


@pytest.mark.real_clock  # the library asks for the time itself
def test_altcha_opens_the_door_once(settings: Any) -> None:
    """A solution is good for one sign-up; none, rubbish or a second use is not."""
    settings.DIGEST_CAPTCHA = "altcha"
    newsletter, client, answer = make_newsletter(), Client(), solved()
    page = client.get(f"/subscribe/{newsletter.slug}")
    assert "data-challenge=" in page.content.decode()
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for rubbish in (
        "",
        "x",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"salt": 1}').decode(),
    ):
        assert sign_up(client, newsletter, altcha=rubbish).status_code == 422
    assert sign_up(client, newsletter, altcha=answer).status_code == 200
    assert sign_up(client, newsletter, altcha=answer).status_code == 422
    assert SignUp.objects.count() == 1


class Judge(BaseHTTPRequestHandler):
    """Cloudflare's side: one response is good."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        challenge = parse_qs(self.rfile.read(length).decode())
        good = challenge == {"secret": ["s3cret"], "response": ["good"], "remoteip": ["192.0.2.1"]}
        body = json.dumps({"success": good}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def judge() -> Iterator[str]:
    """A server that judges, on loopback."""
    server = HTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_turnstile_is_asked(judge: str) -> None:
    """With the secret, the response and the visitor's address; no answer is a no."""
    challenge = Turnstile("site", "s3cret", judge)
    now = clock.now()
    assert challenge.passes({"cf-turnstile-response": "good"}, "192.0.2.1", now)
    assert not challenge.passes({"cf-turnstile-response": "bad"}, "192.0.2.1", now)
    assert not challenge.passes({}, "192.0.2.1", now)
    away = Turnstile("site", "s3cret", "http://127.0.0.1:1/")
    assert not away.passes({"cf-turnstile-response": "good"}, None, now)


@pytest.mark.parametrize("setting", ["recaptcha", "turnstile", "turnstile:only", "altcha:x"])
def test_an_unknown_captcha_is_said(settings: Any, setting: str) -> None:
    """With what there is."""
    settings.DIGEST_CAPTCHA = setting
    with pytest.raises(ConfigurationError, match="Use altcha, turnstile"):
        captcha.widget(clock.now())
