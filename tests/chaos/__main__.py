"""`make chaos`: 100,000 subscribers, and a process killed every few seconds. Prints the result.

DIGEST_SUBSCRIBERS and DIGEST_SEED change how many, and what happens when.
"""

import os
import sys
import tempfile
from pathlib import Path

import tests.services  # noqa: F401  names a secret key and the like
from tests.chaos.run import run


def main() -> int:
    """Run once; 1 if anything was lost or a surprise."""
    subscribers = int(os.environ.get("DIGEST_SUBSCRIBERS", "100_000"))
    seed = int(os.environ.get("DIGEST_SEED", "1047"))
    with tempfile.TemporaryDirectory(prefix="digest-chaos-", ignore_cleanup_errors=True) as folder:
        report = run(Path(folder), subscribers, seed, (0.2, 1.5))
        if not report.good:
            sys.stdout.write((Path(folder) / "log").read_text()[-4000:])
    sys.stdout.write(f"seed {seed}: {'good' if report.good else 'BAD'}\n{report}\n")
    return int(not report.good)


if __name__ == "__main__":
    sys.exit(main())
