"""Bounds on what the parser of the standard library is given.

It takes quadratic time over a Content-Type whose quote never ends or that has many parameters, and
is recursive. Pure, and linear in the size of the mail.
"""

import re
from itertools import islice

LONGEST_TYPE = 2_000  # octets of a Content-Type with its parameters
MOST_NESTED = 24  # parts that hold parts

# For the parser, a lone CR ends a line as well.
_TYPE = re.compile(
    rb"[\r\n]content-type:[^\r\n]*(?:(?:\r\n?|\n)[ \t][^\r\n]*)*",
    re.IGNORECASE,
)
_NESTING = re.compile(rb"boundary[*\d]*\s*=|message/", re.IGNORECASE)


def with_bounded_types(content: bytes) -> bytes:
    """Return a mail with each Content-Type cut to LONGEST_TYPE."""
    return _TYPE.sub(lambda match: match[0][: LONGEST_TYPE + 1], b"\n" + content)[1:]


def is_deep(content: bytes) -> bool:
    """Return whether the parts of a mail may nest deeper than MOST_NESTED."""
    return any(islice(_NESTING.finditer(content), MOST_NESTED, None))
