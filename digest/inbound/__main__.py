"""The process that receives mail: `python -m digest.inbound --port 8025 [--protocol lmtp]`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from digest.loading import modules_that_stay


def main() -> int:
    """Receive mail until told to stop."""
    options = _options().parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
    with modules_that_stay():
        import django

        django.setup()
        from digest.core.telemetry.reporting import Reporter
        from digest.inbound.receiving import serve

    reporter = Reporter("inbound")
    reporter.start()
    try:
        asyncio.run(
            serve(
                lmtp=options.protocol == "lmtp",
                host=options.host,
                port=options.port,
                socket=options.socket,
                fd=options.fd,
                ready=lambda place: print(f"{options.protocol} on {place}", flush=True),  # noqa: T201
            )
        )
    except OSError as problem:
        print(f"Mail cannot be received: {problem}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        reporter.stop()
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="digest.inbound")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8025)
    parser.add_argument("--protocol", choices=["smtp", "lmtp"], default="smtp")
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--fd", type=int, help="of a listening socket, from whoever starts this")
    return parser


if __name__ == "__main__":
    sys.exit(main())
