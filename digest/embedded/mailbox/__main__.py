"""The receiving process: `python -m digest.embedded.mailbox --fd 3 --maildir DIR`."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from digest.embedded.mailbox.receiving import serve


def main() -> int:
    """Receive mail until told to stop."""
    parser = argparse.ArgumentParser(prog="digest.embedded.mailbox")
    parser.add_argument("--fd", type=int, required=True, help="of the listening socket")
    parser.add_argument("--maildir", type=Path, required=True)
    options = parser.parse_args()
    try:
        asyncio.run(
            serve(
                socket.socket(fileno=options.fd),
                options.maildir,
                lambda place: print(f"receiving on {place}", flush=True),  # noqa: T201
            )
        )
    except OSError as problem:
        print(f"Cannot receive mail: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
