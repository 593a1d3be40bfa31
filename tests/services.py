"""Real PostgreSQL and Valkey for the suite; loaded by pytest before Django's settings are read.

Services named in the environment are used as they are. Otherwise embedded ones are started in a
temporary folder, for each worker where there are several. `python -m tests.services COMMAND …`
runs one command with them.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

_STARTED_BY_US = "DIGEST_TESTS_STARTED_THEM"


def provide() -> None:
    """Fill the environment with running services."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
    os.environ.setdefault("DIGEST_SECRET_KEY", "a key for tests only, which signs nothing of worth")
    os.environ.setdefault("DIGEST_BASE_URL", "https://digest.example")
    os.environ.setdefault("DIGEST_ALLOWED_HOSTS", "digest.example,testserver,localhost,127.0.0.1")
    # Of several workers (pytest-xdist) each starts its own, so that none sees another's.
    is_ours_already = os.environ.pop(_STARTED_BY_US, "") and "PYTEST_XDIST_WORKER" in os.environ
    if not is_ours_already and {"DIGEST_DATABASE_URL", "DIGEST_REDIS_URL"} <= os.environ.keys():
        return
    from digest.embedded import postgres, valkey

    folder = Path(tempfile.mkdtemp(prefix="digest-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DIGEST_DATA_DIR"] = str(folder)
    os.environ["DIGEST_DATABASE_URL"] = postgres.start(folder / "postgres")
    server, os.environ["DIGEST_REDIS_URL"] = valkey.start(folder / "valkey")
    atexit.register(server.stop)
    os.environ[_STARTED_BY_US] = "1"


def pytest_configure() -> None:
    """Let our PostgreSQL wait for no disk: its data end with the tests. Benchmarks do wait."""
    if _STARTED_BY_US not in os.environ:
        return
    with psycopg.connect(os.environ["DIGEST_DATABASE_URL"], autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


provide()

if __name__ == "__main__":
    sys.exit(subprocess.call(sys.argv[1:]))
