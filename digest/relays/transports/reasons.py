"""Why a connection failed, in words for whoever runs the installation.

Without numbers of errors, places in OpenSSL's source and the libraries that pass an error on.
"""

import ssl
from collections.abc import Iterator


def reason_of(problem: BaseException) -> str:
    """Return the reason that lies deepest, such as `Connection refused`."""
    for cause in _causes(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.replace("_", " ").lower()
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return str(problem) or type(problem).__name__


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Yield an error and what lies behind it; urllib3 has that in `reason`, requests in `args`."""
    visited: set[int] = set()
    cause: object = problem
    while isinstance(cause, BaseException) and id(cause) not in visited:
        yield cause
        visited.add(id(cause))
        candidates = [getattr(cause, "reason", None), *cause.args, cause.__cause__]
        cause = next((row for row in candidates if isinstance(row, BaseException)), None)
