"""A real Postfix takes mail by SMTP and hands it to us by LMTP, over TCP and a unix socket."""

import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from digest.bounces.models import Bounce
from digest.core.env import database_url
from digest.core.links import unsubscribe_token
from digest.relays import registry
from digest.relays.registry import RelayOptions
from digest.sending import sender
from digest.sending.progress import progress
from digest.subscribers.models import SignUp, Subscriber, Subscription, Suppression
from tests.cast import make_newsletter, make_running, make_subscriber
from tests.inbound.conftest import DOMAIN
from tests.ports import reserve_port
from tests.smtp_server import SmtpServer

POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not POSTFIX or os.getuid() != 0, reason="needs Postfix, and root to run it"),
]

BOUNCE_DOMAIN = "bounces.courier.example"
# What the server of these domains answers to RCPT, and what follows; none: nobody listens.
REFUSALS = {
    "unknown.example": ("550 5.1.1 User unknown in virtual mailbox table", "hard", "userunknown"),
    "full.example": ("552 5.2.2 Mailbox is full, quota exceeded", "soft", "mailboxfull"),
    "policy.example": ("554 5.7.1 Refused, see our policy", "sender", "policyviolation"),
    "grey.example": ("450 4.2.0 Greylisted, try again in 300 seconds", "sender", "blocked"),
    "down.example": ("", "soft", "networkerror"),
}

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.courier.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
local_transport = error:none
alias_maps =
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
smtputf8_enable = yes
# What docs/operating.md tells an operator to add:
virtual_mailbox_domains = {domain}
virtual_transport = lmtp:{place}
# Whatever cannot be delivered now has expired.
maximal_queue_lifetime = 0
transport_maps = inline:{{ {routes} }}
"""
MASTER = """
{port} inet n - n - - smtpd
smtp unix - - n - - smtp
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Postfix's own user can reach."""
    path = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def receiving(folder: Path) -> Iterator[Callable[..., None]]:
    """Start `digest.inbound` as a process of its own, on the database of this test."""
    started: list[subprocess.Popen[str]] = []
    settings = connection.settings_dict
    url = database_url(settings["HOST"], settings["NAME"], settings["USER"] or "postgres")
    surroundings = os.environ | {
        "DIGEST_DATABASE_URL": url,
        "DIGEST_INBOUND_DOMAIN": DOMAIN,
        "DIGEST_BOUNCE_DOMAIN": BOUNCE_DOMAIN,
    }

    def start(*arguments: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "digest.inbound", "--protocol", "lmtp", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("lmtp on")

    yield start
    for process in started:
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
def postfix(folder: Path) -> Iterator[Callable[..., int]]:
    """Start a Postfix of our own that hands our domains over to a place; give its port."""
    config = folder / "etc"
    config.mkdir()

    def start(place: str, routes: str = "nowhere.example=error:5.1.2") -> int:
        port = reserve_port()
        domains = f"{DOMAIN} {BOUNCE_DOMAIN}"
        (config / "main.cf").write_text(
            MAIN.format(folder=folder, domain=domains, place=place, routes=routes)
        )
        (config / "master.cf").write_text(MASTER.format(port=port))
        for name in ("queue", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix", "postfix")
        run("start")
        return port

    def run(command: str) -> None:
        assert POSTFIX
        subprocess.run([POSTFIX, "-c", str(config), command], check=True, capture_output=True)

    yield start
    run("stop")


def send(port: int, to: str) -> None:
    """Hand a mail to Postfix, as the subscriber's own mail server does."""
    until = time.monotonic() + 10
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", port, "reader.example", timeout=10) as client:
                text = f"From: nadia@reader.example\r\nTo: {to}\r\nSubject: hi\r\n\r\nhi\r\n"
                client.sendmail("nadia@reader.example", [to], text)
                return
        except (ConnectionError, smtplib.SMTPServerDisconnected):
            assert time.monotonic() < until
            time.sleep(0.2)


def wait_for(fact: Callable[[], bool], folder: Path) -> None:
    """Wait for something; show Postfix's log if it does not come."""
    until = time.monotonic() + 20
    while not fact():
        log = folder / "mail.log"
        assert time.monotonic() < until, log.read_text() if log.exists() else "no log"
        time.sleep(0.1)


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_postfix_delivers_to_us(
    way: str,
    folder: Path,
    receiving: Callable[..., None],
    postfix: Callable[..., int],
) -> None:
    """Subscribing and leaving, with the part after the plus intact."""
    newsletter = make_newsletter(slug="tide")
    subscriber = make_subscriber(newsletter, email="ines@reader.example")
    if way == "tcp":
        inner = reserve_port()
        receiving("--port", str(inner))
        port = postfix(f"inet:127.0.0.1:{inner}")
    else:
        socket = folder / "digest.sock"
        receiving("--socket", str(socket))
        shutil.chown(socket, "postfix")
        port = postfix(f"unix:{socket}")
    send(port, f"subscribe+tide@{DOMAIN}")
    wait_for(lambda: SignUp.objects.filter(email="nadia@reader.example").exists(), folder)
    token = unsubscribe_token(subscriber, newsletter)
    send(port, f"unsubscribe+{token}@{DOMAIN}")
    unsubscribed = Subscription.objects.filter(subscriber=subscriber, state="unsubscribed")
    wait_for(unsubscribed.exists, folder)


def test_what_postfix_returns_is_read(
    folder: Path,
    receiving: Callable[..., None],
    postfix: Callable[..., int],
    settings: Settings,
    refusing: SmtpServer,
) -> None:
    """From sending by a Postfix that queues first to what follows from each of its reports."""
    settings.DIGEST_BOUNCE_DOMAIN, settings.DIGEST_SMTP_URL = BOUNCE_DOMAIN, ""
    inner = reserve_port()
    receiving("--port", str(inner))
    port = postfix(f"inet:127.0.0.1:{inner}", routes_to(refusing.port))
    wait_for_port(port)
    issue = make_running(len(REFUSALS))
    for subscriber, domain in zip(Subscriber.objects.order_by("pk"), REFUSALS, strict=True):
        email = f"kim@{domain}"
        Subscriber.objects.filter(pk=subscriber.pk).update(email=email, address_key=email)
    registry.add("postfix", f"smtp://127.0.0.1:{port}?starttls=never", RelayOptions())
    sender.send_due()
    assert progress(issue).sent == len(REFUSALS)
    wait_for(lambda: Bounce.objects.count() == len(REFUSALS), folder)
    assert {row.domain: (row.consequence, row.reason) for row in Bounce.objects.all()} == {
        domain: (consequence, reason) for domain, (_, consequence, reason) in REFUSALS.items()
    }
    assert [row.address_key for row in Suppression.objects.all()] == ["kim@unknown.example"]


@pytest.fixture
def refusing() -> Iterator[SmtpServer]:
    """The server of all domains."""

    def answer(address: str) -> str:
        reply, *_ = REFUSALS[address.rpartition("@")[2]]
        return reply

    with SmtpServer({"rcpt": answer}) as server:
        yield server


def routes_to(port: int) -> str:
    """Return Postfix's map of the domains to a port; 9 is where nobody listens."""
    return ", ".join(
        f"{{{domain}=smtp:[127.0.0.1]:{port if reply else 9}}}"
        for domain, (reply, *_) in REFUSALS.items()
    )


def wait_for_port(port: int) -> None:
    """Wait until Postfix listens."""
    until = time.monotonic() + 10
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", port, "reader.example", timeout=10):
                return
        except (ConnectionError, smtplib.SMTPServerDisconnected):
            assert time.monotonic() < until
            time.sleep(0.2)
