"""`make chaos`: 100,000 subscribers, and a process killed every few seconds. Prints the result.

Twice: with a relay that takes everything, then with one that refuses 10 % and defers 20 %.
DIGEST_SUBSCRIBERS and DIGEST_SEED change how many, and what happens when; DIGEST_BOUNCING=10/20
runs the second alone, with these shares, and DIGEST_BOUNCING=0/0 the first.
"""

import os
import sys
import tempfile
from pathlib import Path

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.bouncing import Bouncing
from tests.chaos.run import run


def main() -> int:
    """Run each; 1 if anything was lost or a surprise."""
    shares = os.environ.get("DIGEST_BOUNCING", "0/0 10/20").split()
    return max(_run(*map(int, share.split("/"))) for share in shares)


def _run(refuse: int, defer: int) -> int:
    subscribers = int(os.environ.get("DIGEST_SUBSCRIBERS", "100_000"))
    seed = int(os.environ.get("DIGEST_SEED", "1047"))
    bouncing = Bouncing(refuse, defer) if refuse or defer else None
    with tempfile.TemporaryDirectory(prefix="digest-chaos-", ignore_cleanup_errors=True) as folder:
        report = run(Path(folder), subscribers, seed, (0.2, 1.5), bouncing=bouncing)
        if not report.good:
            sys.stdout.write((Path(folder) / "log").read_text()[-4000:])
    sys.stdout.write(
        f"seed {seed}, {refuse} % refused, {defer} % deferred: "
        f"{'good' if report.good else 'BAD'}\n{report}\n"
    )
    return int(not report.good)


if __name__ == "__main__":
    sys.exit(main())
