"""A program for `test_spawning`: `python -m tests.embedded.forked` says what it is, in JSON."""

import json
import logging
import os
import signal
import sys
from pathlib import Path

from django.db import connection

if __name__ == "__main__":
    files = {number: str(Path(f"/proc/self/fd/{number}").readlink()) for number in sys.argv[1:]}
    state = {
        "parent": os.getppid(),
        "is_leader": os.getsid(0) == os.getpid(),
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "files": files,
        "options": connection.settings_dict["OPTIONS"].get("options"),
        "level": logging.getLogger("digest").level,
        "is_default": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
    }
    print(json.dumps(state))  # noqa: T201  the test reads it
    sys.exit("the end")
