"""An issue through PgBouncer in transaction mode: `python -m tests.operations.pooler`.

All processes reach PostgreSQL through it, with fewer sessions than they have connections. Printed:
mails lost or sent twice, whether an export has everybody, and what `digest doctor` and `digest
migrate` say where the pooler is not declared. Needs `pgbouncer` (apt install pgbouncer).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tests.services  # noqa: F401  names a secret key and the like
from digest.core import env
from tests.chaos.house import House, wait_for
from tests.operations.restore import PATIENCE, read_subscribers, run_digest, say
from tests.ports import reserve_port

SESSIONS = 6  # of PostgreSQL, for all processes together
CONFIGURATION = """
[databases]
digest = host={host} dbname={name} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""


def main(subscribers: int) -> int:
    """Send an issue through a pooler; return 0 if everybody got it once."""
    if not (executable := shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")):
        say("There is no pgbouncer: install it.")
        return 2
    with tempfile.TemporaryDirectory(prefix="digest-pooler-") as name:
        Path(name).chmod(0o777)
        house = House(Path(name), tick=1)
        try:
            house.set_stage(subscribers)
            with _pooler(executable, house) as url:
                house.environment["DIGEST_DATABASE_URL"] = url
                return _send(house, subscribers)
        finally:
            house.close()


def _send(house: House, subscribers: int) -> int:
    say("Not declared:")
    for command in ("doctor", "migrate"):
        done = run_digest(house, command)
        lines = [
            line
            for line in (done.stdout + done.stderr).splitlines()
            if "PgBouncer" in line or ": its locks" in line
        ]
        say(f"  digest {command}, status {done.returncode}: {' '.join(lines)}")
    house.environment["DIGEST_DATABASE_POOLED"] = "1"
    start = time.monotonic()
    house.open()
    wait_for(house.is_over, PATIENCE, "the end of the issue")
    received = Counter(house.recipients())
    repeated = sum(number - 1 for number in received.values())
    say(
        f"Declared: {len(received):,} of {subscribers:,} got the issue in "
        f"{time.monotonic() - start:.0f} s, {repeated} copies too many"
    )
    done = run_digest(house, "subscriber", "export")
    rows = len(done.stdout.splitlines()) - 1
    say(f"  an export has {rows:,} rows, status {done.returncode}{done.stderr[-300:]}")
    return int(len(received) != subscribers or repeated > 0 or rows < subscribers)


@contextmanager
def _pooler(executable: str, house: House) -> Iterator[str]:
    """Start PgBouncer before the house's PostgreSQL; yield the address behind it."""
    port, parts = reserve_port(), env.database(house.database)
    path = house.folder / "pgbouncer.ini"
    path.write_text(
        CONFIGURATION.format(
            host=parts["HOST"],
            name=parts["NAME"],
            user=parts["USER"],
            port=port,
            sessions=SESSIONS,
            folder=house.folder,
        )
    )
    # It refuses to run as root; PostgreSQL's own user may use its socket.
    user = Path(parts["HOST"]).owner() if os.getuid() == 0 else None
    process = subprocess.Popen([executable, "-q", str(path)], user=user)
    try:
        yield f"postgresql://{parts['USER']}@127.0.0.1:{port}/digest"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    sys.exit(main(read_subscribers("tests.operations.pooler", "An issue by PgBouncer.", 3000)))
