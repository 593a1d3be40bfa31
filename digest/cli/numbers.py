"""Numbers as people type them, for argparse's `type`."""

import argparse


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _between(text, 1, 1_000_000)


def none_or_some(text: str) -> int:
    """Read a whole number of at least 0."""
    return _between(text, 0, 1_000_000)


def row_id(text: str) -> int:
    """Read the id of a row; after a restore they begin some billions higher."""
    return _between(text, 1, 2**63 - 1)


def port(text: str) -> int:
    """Read a port number."""
    return _between(text, 1, 65_535)


def _between(text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}.")
