"""A real Dovecot on loopback, with a certificate of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certificates import make_certificate
from tests.ports import reserve_port

DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PASSWORD = 'sea/salt @ 7" \\ é'  # a careless URL or command would break on it

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = plain xoauth2
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
auth_failure_delay = 0
default_internal_user = dovecot
default_login_user = dovenull
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  client_limit = 100
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n
}}
"""


@dataclass
class Dovecot:
    """Where it listens, and its mailboxes."""

    folder: Path
    imap: int
    imaps: int
    pop: int
    tokens: int  # where it asks whose an access token is; nothing listens there by itself

    def deliver(self, user: str, content: bytes) -> None:
        """Put a message into somebody's inbox."""
        inbox = self.folder / "mail" / user / "new"
        path = inbox / f"{time.time_ns()}.M1P1.test"
        for name in ("new", "cur", "tmp"):
            (inbox.parent / name).mkdir(parents=True, exist_ok=True)
            shutil.chown(inbox.parent / name, "mail", "mail")
        shutil.chown(inbox.parent, "mail", "mail")
        path.write_bytes(content)
        shutil.chown(path, "mail", "mail")

    def messages(self, user: str, folder: str = "") -> list[bytes]:
        """Return what is in somebody's inbox, or in another folder."""
        base = self.folder / "mail" / user / (f".{folder}" if folder else "")
        paths = [path for name in ("new", "cur") for path in sorted((base / name).glob("*"))]
        return [path.read_bytes() for path in paths]


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[Dovecot]:
    """A server that runs until the tests end; skipped where Dovecot is not installed."""
    if not DOVECOT or os.getuid() != 0:
        pytest.skip("needs Dovecot, and root to run it")
    folder = Path(tempfile.mkdtemp(prefix="digest-dovecot-"))
    folder.chmod(0o755)
    server = Dovecot(folder, *(reserve_port() for _ in range(4)))
    _write_certificate(folder)
    users = "".join(f"{name}:{{PLAIN}}{PASSWORD}::::::\n" for name in USERS)
    (folder / "users").write_text(users)
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "mail", "mail")
    (folder / "oauth2.conf").write_text(
        f"tokeninfo_url = http://127.0.0.1:{server.tokens}/tokeninfo?access_token=\n"
        "username_attribute = email\n"
    )
    path = folder / "dovecot.conf"
    path.write_text(
        CONFIGURATION.format(folder=folder, imap=server.imap, imaps=server.imaps, pop=server.pop)
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(path)])
    try:
        _wait_for(server.pop, folder)
        _wait_for(server.imaps, folder)
        yield server
    finally:
        process.terminate()
        process.wait(10)

        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dovecot(dovecot_server: Dovecot) -> Dovecot:
    """The server, with empty mailboxes."""
    for path in (dovecot_server.folder / "mail").iterdir():
        shutil.rmtree(path)
    return dovecot_server


USERS = ("bounces", "shared", "poison", "folders", "tls", "large")


def _wait_for(port: int, folder: Path) -> None:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    log = folder / "log"
    pytest.fail(f"Dovecot does not listen: {log.read_text() if log.exists() else ''}")


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(make_certificate(key, "localhost"))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
