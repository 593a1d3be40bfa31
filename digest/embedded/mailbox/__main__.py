"""The receiving process: `python -m digest.embedded.mailbox --port 1025 --maildir DIR`."""

import argparse
import asyncio
import sys
from pathlib import Path

from digest.embedded.mailbox.receiving import serve


def main() -> int:
    """Receive mail until told to stop."""
    parser = argparse.ArgumentParser(prog="digest.embedded.mailbox")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--maildir", type=Path, required=True)
    options = parser.parse_args()
    try:
        asyncio.run(
            serve(
                options.host,
                options.port,
                options.maildir,
                lambda: print(f"receiving on {options.host}:{options.port}", flush=True),  # noqa: T201
            )
        )
    except OSError as problem:
        print(f"Cannot receive on port {options.port}: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
