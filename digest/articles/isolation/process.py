"""The children that parse documents, and what their ends mean for one."""

from digest.articles.errors import ParseError, ParserKilledError, ParserUnavailableError
from digest.core.isolation import Isolation, KilledError, UnavailableError, UnreadableError

PARSER = Isolation("digest.articles.isolation.jobs")  # a feed of 5 MB takes three seconds


def run_job(job: str, body: bytes, **details: str | None) -> bytes:
    """Let a child do a job with a document; return its answer, which is JSON.

    Raises ParseError with the child's message, ParserKilledError if the document exceeds a limit,
    ParserUnavailableError if no child can be started or the machine is too busy.
    """
    try:
        return PARSER.run(job, body, **details)
    except UnreadableError as problem:
        raise ParseError(str(problem)) from problem
    except KilledError as problem:
        raise ParserKilledError from problem
    except UnavailableError as problem:
        raise ParserUnavailableError(str(problem)) from problem
