"""`digest mcp`: serve an assistant on this machine over standard input and output.

It needs no services, only the address of an installation and an API token of it, so it runs on the
machine of whoever works with the assistant.
"""

import argparse
import sys
from importlib.util import find_spec

from digest.core import env
from digest.core.errors import DigestError
from digest.mcp.api import Api
from digest.mcp.errors import McpError


def main(argv: list[str]) -> int:
    """Serve until the assistant closes standard input; return the exit status."""
    options = _options(argv)
    try:
        _serve(options)
    except DigestError as problem:
        print(f"digest: {problem}", file=sys.stderr)  # noqa: T201  standard output is the assistant's
        return 1
    return 0


def _serve(options: argparse.Namespace) -> None:
    if find_spec("mcp") is None:
        raise McpError("Install what it needs: pip install 'digest-newsletter[mcp]'.")
    from digest.mcp.server import make_server

    api = Api(_url(options), _token())
    try:
        make_server(api, writes=options.write).run()
    finally:
        api.close()


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="digest mcp",
        description="Serve newsletters, issues, articles and statistics to an assistant (MCP).",
        epilog="DIGEST_API_TOKEN is the API token, DIGEST_API_TOKEN_FILE a file that holds it. "
        "Its scopes decide which tools there are. No tool shows subscribers' addresses.",
    )
    parser.add_argument("--url", help="of Digest, such as https://digest.news.example")
    parser.add_argument("--write", action="store_true", help="let the assistant create drafts")
    return parser.parse_args(argv)


def _url(options: argparse.Namespace) -> str:
    url: str = options.url or env.read("DIGEST_URL")
    if not url.startswith(("https://", "http://")):
        raise McpError("Say where Digest is: --url https://…, or DIGEST_URL.")
    return url


def _token() -> str:
    if token := env.read("DIGEST_API_TOKEN"):
        if token.isascii() and token.isprintable() and " " not in token:
            return token
        raise McpError("DIGEST_API_TOKEN holds more than an API token. Copy the token again.")
    raise McpError("Set DIGEST_API_TOKEN to an API token: digest token add assistant --scope …")
