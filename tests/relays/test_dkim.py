"""DKIM: what we sign, others can verify; what somebody changed, they reject."""

import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dkim.canonicalization import Relaxed
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from digest.core import addresses, clock
from digest.core.errors import ConfigurationError
from digest.notices import send
from digest.notices.models import Notice
from digest.relays.dkim import OVERSIGNED, canonical, check_keys, keys, sign
from digest.selfservice import signups
from digest.sending import sender
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.outgoing import SingleRecipient, compose_message
from digest.sending.proofs import send_test
from digest.sending.segmentation import segmentation_of
from tests.cast import NOON, make_article, make_newsletter, make_running, make_source
from tests.rendering.mails import INES, compiled, wire_faults
from tests.smtp_server import SmtpServer

Relaying = Callable[..., SmtpServer]
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
KINDS: dict[str, "PrivateKey"] = {"rsa": RSA, "ed25519": ED25519}
MAIL = compiled(publication={"reply_to": "desk@courier.example"}).message(INES)
OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey


def pem(key: PrivateKey, encryption: KeySerializationEncryption | None = None) -> bytes:
    """Return a key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@dataclass
class Keyring:
    """The keys of this test's installation, and the DNS that publishes them."""

    settings: Settings
    folder: Path
    zone: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, kind: str, domain: str = "courier.example", selector: str = "") -> None:
        """Add a key of that kind for a domain, and publish it."""
        path = self.folder / f"{kind}.pem"
        path.write_bytes(pem(KINDS[kind]))
        entry = f"{domain}:{selector or kind}:{path}"
        self.settings.DIGEST_DKIM_KEYS = [*self.settings.DIGEST_DKIM_KEYS, entry]
        for key in keys.all_keys():
            self.zone[f"{key.record_name}.".encode()] = key.record.encode()

    def verdicts(self, message: bytes) -> list[bool]:
        """Return whether dkimpy verifies each signature of a message, the topmost first."""
        head = message.partition(b"\r\n\r\n")[0]
        count = len(re.findall(rb"(?m)^DKIM-Signature:", head))
        return [self._holds(message, at) for at in range(count)]

    def _holds(self, message: bytes, at: int) -> bool:
        try:
            verifier = dkimpy.DKIM(message)
            return bool(verifier.verify(idx=at, dnsfunc=lambda name, **_: self.zone.get(name)))
        except dkimpy.ValidationError as problem:
            assert "body hash mismatch" in str(problem)  # noqa: PT017  any other is our mistake
            return False


@pytest.fixture
def keyring(settings: Settings, tmp_path: Path) -> Keyring:
    """Return a keyring without keys."""
    settings.DIGEST_DKIM_KEYS = []
    settings.DIGEST_SMTP_URL = "smtp://relay.example"
    return Keyring(settings, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_signed_verifies(keyring: Keyring, kind: str) -> None:
    """With RSA (RFC 6376) and with Ed25519 (RFC 8463); the message itself is not touched."""
    keyring.add(kind)
    message = sign(MAIL, "courier.example", NOON)
    assert keyring.verdicts(message) == [True]
    assert message.endswith(MAIL)


def test_each_key_of_a_domain_signs(keyring: Keyring) -> None:
    """A verifier without Ed25519 uses the other one."""
    keyring.add("rsa")
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    assert keyring.verdicts(message) == [True, True]
    assert re.findall(rb" a=([a-z0-9-]+);", message) == [b"rsa-sha256", b"ed25519-sha256"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_field_is_sound_on_the_wire(keyring: Keyring, kind: str) -> None:
    """Lines of at most 78, CRLF, nothing that begins with a dot, and the time of signing."""
    keyring.add(kind)
    field = sign(MAIL, "courier.example", NOON).removesuffix(MAIL)
    lines = field.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b" ") for line in lines[1:])
    assert wire_faults(field + MAIL) == wire_faults(MAIL)
    assert b"t=%d;" % NOON.timestamp() in field


# --- tampering ---------------------------------------------------------------------------


def changed(message: bytes, name: str) -> bytes:
    """Return the message with another value in the field of that name."""
    altered, count = re.subn(
        rb"(?mi)^(%b: *)" % re.escape(name.encode()), rb"\1x", message, count=1
    )
    assert count
    return altered


PRESENT = [
    name
    for name in OVERSIGNED
    if re.search(rf"(?mi)^{name}:".encode(), MAIL.partition(b"\r\n\r\n")[0])
]


def test_nearly_every_signed_field_is_in_a_subscribers_mail() -> None:
    """So that the tests below mean something."""
    absent = {"Cc", "In-Reply-To", "References", "Content-Transfer-Encoding"}
    assert set(PRESENT) == set(OVERSIGNED) - absent


@pytest.mark.parametrize("name", PRESENT)
def test_a_field_that_is_changed_breaks_it(keyring: Keyring, name: str) -> None:
    """Each signed field."""
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    assert keyring.verdicts(changed(message, name)) == [False]


@pytest.mark.parametrize("name", OVERSIGNED)
@pytest.mark.parametrize("below", [False, True], ids=["above", "below"])
def test_a_field_that_is_added_breaks_it(keyring: Keyring, name: str, *, below: bool) -> None:
    """A second Subject or From, somebody else's List-Unsubscribe (RFC 6376 §8.15)."""
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    added = f"{name}: somebody else's\r\n".encode()
    head, _, body = message.partition(b"\r\n\r\n")
    worse = head + b"\r\n" + added + b"\r\n" + body if below else added + message
    assert keyring.verdicts(worse) == [False]


@pytest.mark.parametrize("name", PRESENT)
def test_a_field_that_is_removed_breaks_it(keyring: Keyring, name: str) -> None:
    """As relays must not."""
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    without = re.sub(rb"(?mi)^%b:.*\r\n([ \t].*\r\n)*" % name.encode(), b"", message, count=1)
    assert without != message
    assert keyring.verdicts(without) == [False]


@pytest.mark.parametrize(
    ("before", "after"), [(b"Story", b"story"), (b"\r\n\r\n--", b"\r\n\r\nx\r\n--")]
)
def test_a_body_that_is_changed_breaks_it(keyring: Keyring, before: bytes, after: bytes) -> None:
    """A letter, or a line before all others."""
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    assert before in message
    assert keyring.verdicts(message.replace(before, after, 1)) == [False]


def test_what_relays_usually_change_does_not_break_it(keyring: Keyring) -> None:
    """Received on top, other folding, white space at line ends, empty lines at the end."""
    keyring.add("ed25519")
    message = sign(MAIL, "courier.example", NOON)
    travelled = b"Received: by mx.example;\r\n\tMon, 23 Nov 2026 12:00:01 +0000\r\n" + message
    travelled = travelled.replace(b"Subject: The", b"subject:\r\n\tThe ").replace(
        b"MIME-Version: 1.0", b"MIME-Version:  1.0 "
    )
    travelled = travelled.replace(b"number 1.\r\n", b"number 1. \t\r\n") + b"\r\n \r\n"
    for change in (b"subject:\r\n\tThe ", b"1.0 \r\n", b"1. \t\r\n"):
        assert change in travelled
    assert keyring.verdicts(travelled) == [True]


def test_fields_that_come_several_times_are_all_sign(keyring: Keyring) -> None:
    """From the last to the first (RFC 6376 §5.4.2), each of them and no other."""
    keyring.add("ed25519")
    twice = b"To: one@a.example\r\nList-Id: <a.b>\r\nTO: two@a.example\r\n" + MAIL
    message = sign(twice, "courier.example", NOON)
    assert keyring.verdicts(message) == [True]
    assert keyring.verdicts(message.replace(b"one@", b"other@")) == [False]
    assert keyring.verdicts(b"To: four@a.example\r\n" + message) == [False]


# --- canonical forms ---------------------------------------------------------------------


def test_the_example_of_rfc_6376() -> None:
    """§3.4.5, relaxed."""
    head, body = canonical.split_message(
        b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n"
    )
    assert canonical.head(head) == {b"a": [b"a:X"], b"b": [b"b:Y Z"]}
    assert canonical.body(body) == b" C\r\nD E\r\n"


def test_the_example_of_rfc_8463() -> None:
    """Appendix A: the same key over the same message makes the same signature."""
    head, body = canonical.split_message(FOOTBALL)
    hashed = b64encode(sha256(canonical.body(body)).digest())
    assert hashed == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    [[own]] = canonical.head(FOOTBALL_UNSIGNED + hashed + b";\r\n b=").values()
    names = [b"from", b"to", b"subject", b"date", b"message-id"]
    covered = canonical.signed_octets(canonical.head(head), names, own)
    secret = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    key = keys.Key("football.example.com", "brisbane", Path("brisbane.pem"), private)
    assert key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert b64encode(key.sign(covered)) == (
        b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )


FOOTBALL = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)
FOOTBALL_UNSIGNED = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh="
)
PIECES = st.sampled_from(
    [b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b"a", b"=", b".", b"\xc3\xa9", b"\0"]
)


@given(st.lists(PIECES, max_size=40).map(b"".join))
@hypothesis_settings(max_examples=500)
@example(b"")
@example(b"\r\n" * 3)
@example(b" \t\r\n \r\n")
@example(b" " * 9 + b"\t \r\n a")
def test_a_bodys_form_is_dkimpys(body: bytes) -> None:
    """Whatever white space it has, and whether or not its last line ends (the relay ends it)."""
    ended = body if body.endswith(b"\r\n") or not body else body + b"\r\n"
    assert canonical.body(body) == canonical.body(ended) == Relaxed.canonicalize_body(ended)


@given(st.lists(PIECES, max_size=30).map(b"".join))
@hypothesis_settings(max_examples=500)
@example(b" \r\n\t\r\n x")
def test_a_fields_form_is_dkimpys(value: bytes) -> None:
    """However it is folded."""
    folded = value.strip(b"\r\n").replace(b"\r\n", b"\r\n ").replace(b"\r\n \r\n", b"\r\n")
    [(name, expected)] = Relaxed.canonicalize_headers([(b"SubJect \t", folded)])
    field = canonical.head(b"SubJect \t:" + folded)[name]
    # dkimpy strips every ASCII white space, the RFC asks for SP and HTAB; here they are the same.
    assert field == [b"subject:" + expected.removesuffix(b"\r\n")]


@given(st.lists(PIECES, max_size=40).map(b"".join))
@hypothesis_settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_verifies(keyring: Keyring, body: bytes) -> None:
    """Not only those that we write."""
    if not keyring.zone:
        keyring.add("ed25519")
    message = b"From: news@courier.example\r\n\r\n" + body + b"\r\n"
    assert keyring.verdicts(sign(message, "courier.example", NOON)) == [True]


# --- keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("courier.example", ["apex"]),
        ("Courier.Example", ["apex"]),
        ("news.courier.example", ["news"]),
        ("a.b.news.courier.example", ["news"]),
        ("shop.courier.example", ["apex"]),
        ("küste.example", ["coast"]),
        ("notcourier.example", []),
        ("example", []),
    ],
)
def test_a_senders_own_key_signs_or_that_of_the_nearest_domain_above(
    keyring: Keyring, sender: str, expected: list[str]
) -> None:
    """Both are aligned for DMARC; no key signs for another domain."""
    keyring.add("ed25519", "courier.example", "apex")
    keyring.add("ed25519", "News.Courier.Example", "news")
    keyring.add("ed25519", "küste.example", "coast")
    assert [key.selector for key in keys.keys_of(sender)] == expected
    assert (sign(MAIL, sender, NOON) == MAIL) == (not expected)


def test_without_keys_nothing_is_sign(keyring: Keyring) -> None:
    """Most relays sign by themselves."""
    assert sign(MAIL, "courier.example", NOON) is MAIL


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file"),
        (b"", "not hold a private key in PEM"),
        (
            b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "not hold a private key",
        ),
        (
            RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "not hold a private key in PEM",
        ),
        (pem(rsa.generate_private_key(65537, 1024)), "RSA key of 1024 bits; use one of 2048"),
        (pem(RSA, BestAvailableEncryption(b"hush")), "is encrypted; remove the password"),
        (pem(dsa.generate_private_key(2048)), "use RSA or Ed25519"),
    ],
    ids=["missing", "empty", "broken", "public", "short", "encrypted", "dsa"],
)
def test_a_file_that_cannot_be_used_is_named(
    keyring: Keyring, content: bytes | None, text: str
) -> None:
    """Before anything is sent, with what to do, and without its content."""
    path = keyring.folder / "key.pem"
    if content is not None:
        path.write_bytes(content)
    keyring.settings.DIGEST_DKIM_KEYS = [f"courier.example:s1:{path}"]
    with pytest.raises(ConfigurationError, match=text) as caught:
        check_keys()
    assert str(path) in str(caught.value)
    assert not content or content.splitlines()[len(content.splitlines()) // 2].decode() not in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("courier.example", "entry as domain:selector:/path"),
        ("courier.example:s1", "entry as domain:selector:/path"),
        ("courier.example::/key.pem", "entry as domain:selector:/path"),
        ("courier:s1:/key.pem", "not a domain that mail"),
        ("courier.example;x:s1:/key.pem", "not a domain that mail"),
        ("courier.example:s.;:/key.pem", "not a selector"),
    ],
)
def test_an_invalid_entry_is_explained(keyring: Keyring, entry: str, text: str) -> None:
    """Nothing of it gets into a header."""
    keyring.settings.DIGEST_DKIM_KEYS = [entry]
    with pytest.raises(ConfigurationError, match=text):
        keys.all_keys()


def test_two_keys_under_the_same_name_are_refused(keyring: Keyring) -> None:
    """DNS can publish only one there."""
    keyring.add("rsa", selector="s1")
    with pytest.raises(ConfigurationError, match=r"two keys at s1\._domainkey\.courier\.example"):
        keyring.add("ed25519", selector="S1")


def test_a_key_is_read_once(keyring: Keyring) -> None:
    """A running process does not need the file any longer."""
    keyring.add("ed25519")
    (keyring.folder / "ed25519.pem").unlink()
    assert keyring.verdicts(sign(MAIL, "courier.example", NOON)) == [True]


def test_a_long_record_is_cut_into_strings(keyring: Keyring) -> None:
    """RFC 1035 §3.3: 255 octets each; joined they are the record."""
    keyring.add("rsa")
    [key] = keys.all_keys()
    name, _, strings = keys.zone_record(key).partition(" IN TXT ")
    assert name == "rsa._domainkey.courier.example."
    pieces = re.findall(r'"([^"]*)"', strings)
    assert [len(piece) for piece in pieces][:-1] == [255]
    assert "".join(pieces) == key.record


# --- the whole way -----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_subscribers_mail_is_sign(keyring: Keyring) -> None:
    """As it is composed, with a name beyond ASCII and a link of their own."""
    keyring.add("rsa")
    keyring.add("ed25519")
    issue = make_running()
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient(1, "josé@reader.example", "José  Núñez")
    outgoing = compose_message(issue, to, segmentation, clock.now())
    assert outgoing.smtp_safe
    assert not outgoing.content.isascii()
    assert keyring.verdicts(outgoing.content) == [True, True]


@pytest.mark.django_db(transaction=True)
def test_an_issue_arrives_sign(keyring: Keyring, relay: Relaying) -> None:
    """Over SMTP, to the last octet."""
    server = relay()
    keyring.add("ed25519")
    make_running(subscribers=3)
    sender.send_due()
    assert [keyring.verdicts(mail.data) for mail in server.received] == [[True]] * 3


@pytest.mark.django_db(transaction=True)
def test_a_notice_arrives_sign(keyring: Keyring, relay: Relaying) -> None:
    """A confirmation must not end up as spam."""
    server = relay()
    keyring.add("ed25519")
    nadia = addresses.parse("nadia@reader.example")
    signups.invite(nadia, [make_newsletter()], via="page", now=clock.now())
    send.send_due()
    assert [keyring.verdicts(mail.data) for mail in server.received] == [[True]]


@pytest.mark.django_db(transaction=True)
def test_a_test_arrives_sign(keyring: Keyring, relay: Relaying) -> None:
    """It shows an editor what subscribers will get."""
    server = relay()
    keyring.add("ed25519")
    newsletter = make_newsletter()
    make_article(make_source(newsletter), published_at=NOON - timedelta(hours=1))
    send_test(newsletter, addresses.parse("editor@courier.example"), NOON)
    assert [keyring.verdicts(mail.data) for mail in server.received] == [[True]]


@pytest.mark.django_db(transaction=True)
def test_a_broken_key_fails_no_subscriber(keyring: Keyring, relay: Relaying) -> None:
    """Nothing is sent until it is corrected; then everybody gets their mail."""
    server = relay()
    keyring.settings.DIGEST_DKIM_KEYS = [f"courier.example:s1:{keyring.folder / 'nothing.pem'}"]
    make_running(subscribers=2)
    signups.invite(
        addresses.parse("nadia@reader.example"), [make_newsletter()], via="page", now=clock.now()
    )
    for send_due in (sender.send_due, send.send_due):
        with pytest.raises(ConfigurationError, match=r"nothing\.pem"):
            send_due()
    assert set(Delivery.objects.values_list("state", flat=True)) == {Delivery.State.QUEUED}
    assert set(Notice.objects.values_list("state", flat=True)) == {Notice.State.QUEUED}
    keyring.settings.DIGEST_DKIM_KEYS = []
    sender.send_due()
    send.send_due()
    assert len(server.received) == 3


@pytest.mark.skipif(not OPENDKIM, reason="no opendkim here")
@pytest.mark.parametrize("tampered", [False, True])
def test_opendkim_agrees(keyring: Keyring, *, tampered: bool) -> None:
    """The verifier of many mail servers; it reads its DNS from a file."""
    keyring.add("rsa")
    keyring.add("ed25519")
    zone = keyring.folder / "zone"
    zone.write_text("".join(f"{key.record_name} {key.record}\n" for key in keys.all_keys()))
    configuration = keyring.folder / "opendkim.conf"
    configuration.write_text(f"Mode v\nTestDNSData file:{zone}\n")
    message = sign(MAIL, "courier.example", clock.now())
    mail = keyring.folder / "mail.eml"
    mail.write_bytes(changed(message, "Subject") if tampered else message)
    verification = subprocess.run(
        [OPENDKIM, "-x", configuration, "-vv", "-t", mail],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    verdict = "fail" if tampered else "pass"
    assert re.findall(r"dkim=(\w+) .*header\.a=(\S+)", verification.stdout) == [
        (verdict, "rsa-sha256"),
        (verdict, "ed25519-sha256"),
    ]
