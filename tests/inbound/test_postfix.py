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

from digest.core.env import database_url
from digest.core.links import unsubscribe_token
from digest.subscribers.models import SignUp, Subscription
from tests.cast import make_newsletter, make_subscriber
from tests.inbound.conftest import DOMAIN
from tests.ports import reserve_port

POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not POSTFIX or os.getuid() != 0, reason="needs Postfix, and root to run it"),
]

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
"""
MASTER = """
{port} inet n - n - - smtpd
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
    surroundings = os.environ | {"DIGEST_DATABASE_URL": url, "DIGEST_INBOUND_DOMAIN": DOMAIN}

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
def postfix(folder: Path) -> Iterator[Callable[[str], int]]:
    """Start a Postfix of our own that hands our domain over to a place; give its port."""
    config = folder / "etc"
    config.mkdir()

    def start(place: str) -> int:
        port = reserve_port()
        (config / "main.cf").write_text(MAIN.format(folder=folder, domain=DOMAIN, place=place))
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
def test_postfix_hands_mail_over(
    way: str,
    folder: Path,
    receiving: Callable[..., None],
    postfix: Callable[[str], int],
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
