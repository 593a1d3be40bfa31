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
def test_altcha_answer_counts_once(settings: Any) -> None:
    """A solution is good for one sign-up; none, rubbish or a second use is not."""
    settings.DIGEST_CAPTCHA = "altcha"
    newsletter, client, answer = make_newsletter(), Client(), solved()
    page = client.get(f"/subscribe/{newsletter.slug}")
    assert "data-challenge=" in page.content.decode()
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for payload in (
        "",
        "x",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"salt": 1}').decode(),
    ):
        assert sign_up(client, newsletter, altcha=payload).status_code == 422
    assert sign_up(client, newsletter, altcha=answer).status_code == 200
    assert sign_up(client, newsletter, altcha=answer).status_code == 422
    assert SignUp.objects.count() == 1


@pytest.mark.real_clock
def test_a_question_about_the_address_uses_up_no_solution(settings: Any) -> None:
    """A script of another site sends the form again as it is."""
    settings.DIGEST_CAPTCHA = "altcha"
    newsletter, client, answer = make_newsletter(), Client(), solved()
    odd = "n\u0430dia@reader.example"
    assert sign_up(client, newsletter, odd, altcha=answer).status_code == 422
    assert sign_up(client, newsletter, odd, altcha=answer, sure="1").status_code == 200


def spelled_otherwise(answer: str) -> list[str]:
    """The same solution, in other octets."""
    solution = json.loads(base64.b64decode(answer))
    pretty = json.dumps(solution, indent=1)
    texts = [
        pretty,
        json.dumps(dict(reversed(solution.items()))),
        json.dumps(solution | {"took": 7}),
        json.dumps(solution | {"number": str(solution["number"])}),
        json.dumps(solution | {"salt": solution["salt"].rstrip("&")}),
        pretty.replace('"salt"', '"\\u0073alt"'),
        pretty.replace("{", '{"signature": "x",', 1),
    ]
    encoded = [base64.b64encode(text.encode()).decode() for text in texts]
    return [answer + "====", f"{answer[:8]}!\n{answer[8:]}", *encoded]


@pytest.mark.real_clock
def test_a_challenge_counts_once_however_it_is_written(settings: Any) -> None:
    """Each spelling is a solution on its own, and none passes after another one of it did."""
    settings.DIGEST_CAPTCHA = "altcha"
    for position in range(len(spelled_otherwise(solved()))):
        answer = solved()
        spelling = spelled_otherwise(answer)[position]
        assert captcha.passes({"altcha": spelling}, None, clock.now()), spelling
        assert not captcha.passes({"altcha": answer}, None, clock.now())
        for other in spelled_otherwise(answer):
            assert not captcha.passes({"altcha": other}, None, clock.now())


@pytest.mark.parametrize(
    "payload", [b"[" * 1_400, b"1", b"null", b'"x"', b"\xff", b'{"a":' * 250, b"9" * 1_400]
)
def test_odd_solutions_are_refused(settings: Any, payload: bytes) -> None:
    """Whatever the field holds, the answer is a clear no."""
    settings.DIGEST_CAPTCHA = "altcha"
    field = base64.b64encode(payload).decode()
    assert sign_up(Client(), make_newsletter(), altcha=field).status_code == 422


@pytest.mark.real_clock
def test_without_valkey_no_solution_counts(settings: Any) -> None:
    """Sign-ups are closed for the moment, as they are for the limits; nothing crashes."""
    settings.DIGEST_CAPTCHA = "altcha"
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1/0"
    assert sign_up(Client(), make_newsletter(), altcha=solved()).status_code == 503


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
    unreachable = Turnstile("site", "s3cret", "http://127.0.0.1:1/")
    assert not unreachable.passes({"cf-turnstile-response": "good"}, None, now)


@pytest.mark.parametrize("setting", ["recaptcha", "turnstile", "turnstile:only", "altcha:x"])
def test_an_unknown_captcha_is_said(settings: Any, setting: str) -> None:
    """With what there is."""
    settings.DIGEST_CAPTCHA = setting
    with pytest.raises(ConfigurationError, match="Use altcha, turnstile"):
        captcha.widget(clock.now())
