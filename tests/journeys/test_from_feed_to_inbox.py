"""From the sample's feed to its subscribers' inboxes, through real processes, untouched by hand."""

import json
import re
import signal
import time
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from digest.embedded.sample.setting_up import SUBSCRIBERS
from tests.journeys.upside import Up, digest

pytestmark = pytest.mark.journey


def get(up: Up, path: str, method: str = "GET", body: str | None = None) -> tuple[int, str]:
    """Ask the web process for a page; return its status and text."""
    connection = HTTPConnection("127.0.0.1", up.port, timeout=20)
    headers = {"Host": f"localhost:{up.port}"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def opened(up: Up, address: str) -> Message:
    """The digest that a subscriber got."""
    for path in up.mails():
        message = message_from_bytes(path.read_bytes(), policy=default)
        if message["Delivered-To"] == address:
            return message
    raise AssertionError(f"no mail to {address}")


def test_every_subscriber_has_the_digest_once(delivered: Up) -> None:
    """Five subscribers, five mails, each under a Message-ID of its own."""
    mails = [message_from_bytes(path.read_bytes()) for path in delivered.mails()]
    assert sorted(mail["Delivered-To"] for mail in mails) == sorted(r.email for r in SUBSCRIBERS)
    assert len({mail["Message-ID"] for mail in mails}) == len(SUBSCRIBERS)


def test_the_wire_bytes_keep_the_rules_of_mail(delivered: Up) -> None:
    """CRLF alone ends lines, none is longer than 998 octets, headers are ASCII (RFC 5322 §2.1)."""
    for path in delivered.mails():
        raw = path.read_bytes()
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert b"\r" not in raw.replace(b"\r\n", b"")
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert raw.partition(b"\r\n\r\n")[0].isascii()


def test_the_headers_are_those_of_a_list_that_can_be_left(delivered: Up) -> None:
    """RFC 2369, RFC 2919, RFC 8058, RFC 3834; List-* never holds an encoded word."""
    path = delivered.mails()[0]
    head = path.read_bytes().partition(b"\r\n\r\n")[0].decode()
    head = head.replace("\r\n ", " ").replace("\r\n\t", "\t")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n"))
    assert re.match(rf"<{delivered.url}/unsubscribe/[\w-]+>", headers["List-Unsubscribe"])
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"].endswith("<morning-tide.courier.example>") or (
        headers["List-Id"] == "The Morning Tide <morning-tide.courier.example>"
    )
    assert headers["Auto-Submitted"] == "auto-generated"
    assert not any("=?" in value for name, value in headers.items() if name.startswith("List-"))


def test_both_parts_hold_the_same_stories(delivered: Up) -> None:
    """Every story linked in the HTML is in the text too; the HTML keeps below Gmail's cut."""
    message = opened(delivered, SUBSCRIBERS[0].email)
    html = message.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    stories = linked_stories(delivered, html)
    assert len(stories) >= 6
    assert stories == linked_stories(delivered, text)
    assert len(html.encode()) < 100_000
    assert "/unsubscribe/" in html


def linked_stories(up: Up, part: str) -> set[str]:
    """The stories of the sample that the tracked links of a part lead to."""
    links = set(re.findall(rf"{re.escape(up.url)}/click/[\w-]+", part))
    targets = {httpx.get(link).headers["Location"] for link in links}
    prefix = f"{up.url}/sample/"
    return {target.removeprefix(prefix) for target in targets if target.startswith(prefix)} - {""}


def test_the_issue_stands_in_the_archive(delivered: Up) -> None:
    """The list of issues leads to the issue, which shows the stories that were sent."""
    status, listing = get(delivered, "/archive/morning-tide")
    assert status == 200
    issue = re.search(r"/archive/morning-tide/\d{8}T\d{6}Z", listing)
    assert issue
    status, page = get(delivered, issue[0])
    assert status == 200
    assert opened(delivered, SUBSCRIBERS[0].email)["Subject"] in page
    assert SUBSCRIBERS[0].email not in page


def test_the_mailbox_pages_show_it(delivered: Up) -> None:
    """The list, then one mail."""
    status, listing = get(delivered, "/mailbox/")
    assert status == 200
    assert f"{len(SUBSCRIBERS)} emails" in listing
    key = delivered.mails()[0].name
    status, page = get(delivered, f"/mailbox/{key}")
    assert status == 200
    assert "The Saltmarsh Courier" in page


def test_a_mail_client_unsubscribes_with_one_post(delivered: Up) -> None:
    """No cookie, no redirect, and again does no harm; looking changes nothing (RFC 8058 §3.1)."""
    subscriber = SUBSCRIBERS[4].email
    link = opened(delivered, subscriber)["List-Unsubscribe"]
    path = urlsplit(link.strip("<>").partition(">")[0]).path
    for method in ("GET", "HEAD"):
        assert get(delivered, path, method)[0] == 200
    assert state_of(delivered, subscriber) == "active"
    for _ in range(2):
        assert get(delivered, path, "POST", "List-Unsubscribe=One-Click")[0] == 200
        assert state_of(delivered, subscriber) == "unsubscribed"


def state_of(up: Up, address: str) -> str:
    """Ask `digest` in a second terminal what a subscriber's subscription says."""
    subscriber = json.loads(digest("subscriber", "show", address, "--json", data=up.data).stdout)
    return str(subscriber["subscriptions"][0]["state"])


def test_a_second_start_on_the_same_data_is_refused_in_one_line(up: Up) -> None:
    """Two of them would share one PostgreSQL and one port."""
    second = digest("up", "--data", str(up.data), data=up.data, check=False)
    assert second.returncode == 1
    assert f"already runs on {up.data}" in second.stderr
    assert second.stderr.count("\n") == 1


def test_a_port_in_use_is_said_in_one_line(
    up: Up, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the number, and how to choose another."""
    folder = tmp_path_factory.mktemp("second")
    arguments = ("up", "--port", str(up.port), "--data", str(folder))
    second = digest(*arguments, data=folder, check=False)
    assert second.returncode == 1
    assert f"Port {up.port} is in use" in second.stderr
    assert "--port" in second.stderr
    assert not (folder / "postgres").exists()


def test_a_killed_database_is_started_again(delivered: Up) -> None:
    """One line says so, and the pages answer as before."""
    delivered.database[0].kill()
    delivered.wait_for(lambda: "PostgreSQL ended" in delivered.said, 30, "word of the database")
    delivered.wait_for(lambda: get(delivered, "/readyz")[0] == 200, 30, "the database")
    delivered.look_at_processes()
    assert get(delivered, "/archive/morning-tide")[0] == 200


def test_it_can_be_stopped_killed_and_started_again(delivered: Up) -> None:
    """Ctrl-C leaves no process, a kill heals, and nobody gets the digest twice."""
    sent = [path.name for path in delivered.mails()]

    assert delivered.signal(signal.SIGINT) == 0
    _, alive = psutil.wait_procs(delivered.own + delivered.database, timeout=5)
    assert alive == []
    assert not (delivered.data / "up.env").exists()

    delivered.start()
    assert delivered.signal(signal.SIGKILL) == -signal.SIGKILL
    _, alive = psutil.wait_procs(delivered.own, timeout=20)
    assert alive == []

    delivered.start()
    time.sleep(8)  # worker and beat are up again, and every tick has come at least once
    assert [path.name for path in delivered.mails()] == sent
    assert get(delivered, "/archive/morning-tide")[0] == 200
