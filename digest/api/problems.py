"""Errors as problem details (RFC 9457), never as a traceback."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.responses import Response
from pydantic import BaseModel, Field

from digest.articles.errors import DiscoveryError, ParseError
from digest.bulk.errors import InvalidChangeError
from digest.connectors.errors import InvalidConnectionError
from digest.core.errors import ConfigurationError, DigestError, InvalidAddressError
from digest.core.http import FetchError
from digest.newsletters.errors import NewsletterError
from digest.relays.errors import TransportError
from digest.subscribers.errors import InvalidInputError, LimiterUnavailableError, TooManyError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

View = Callable[..., HttpResponse]


class InvalidField(BaseModel):
    """A field of a request that is not valid."""

    location: str = Field(description="Where it is, such as `body.email` or `query.limit`.")
    message: str


class Problem(BaseModel):
    """Why a request failed (RFC 9457). A failed request has changed nothing."""

    type: str = Field("about:blank", description="Always `about:blank`.")
    title: str
    status: int
    detail: str = Field("", description="An explanation for people.")
    scopes: list[str] = Field(default=[], description="The scopes that the token lacks (403).")
    errors: list[InvalidField] = Field(
        default=[], description="The fields that are not valid (422)."
    )


class ProblemError(DigestError):
    """A request is refused by the API itself; `members` are further members of the problem."""

    def __init__(self, status: int, detail: str, *, wait: int = 0, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.wait, self.members = status, wait, members


# Any operation may fail with these; the schema lists them all.
STATUSES: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429, 503), Problem)

# The request is not valid (422); any other DigestError is a conflict with the state (409).
_INVALID_INPUT = (
    *(InvalidAddressError, InvalidInputError, NewsletterError),
    *(InvalidChangeError, InvalidConnectionError),
    *(DiscoveryError, ParseError, FetchError),
)


def problem_response(status: int, detail: str, *, wait: int = 0, **members: Any) -> HttpResponse:
    """Return a problem as a response; `wait` is in seconds, for the Retry-After header."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **members)
    response = Response(body.model_dump(exclude_defaults=True), status=status)
    response["Content-Type"] = MEDIA_TYPE
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="digest"'
    if wait:
        response["Retry-After"] = str(wait)
    return response


def of_digest(_request: HttpRequest, problem: DigestError) -> HttpResponse:
    """Respond to an error of Digest's own with its message."""
    if isinstance(problem, ProblemError):
        return problem_response(problem.status, str(problem), wait=problem.wait, **problem.members)
    if isinstance(problem, TooManyError):
        return problem_response(429, str(problem), wait=problem.seconds)
    if isinstance(problem, LimiterUnavailableError | ConfigurationError | TransportError):
        return problem_response(503, str(problem), wait=60)
    return problem_response(422 if isinstance(problem, _INVALID_INPUT) else 409, str(problem))


def of_validation(_request: HttpRequest, problem: ValidationError) -> HttpResponse:
    """Respond to an invalid request: what is wrong, and where."""
    errors = [
        InvalidField(location=".".join(map(str, _location(row["loc"]))), message=row["msg"])
        for row in problem.errors
    ]
    return problem_response(422, "The request is not valid.", errors=errors)


def of_http(_request: HttpRequest, problem: HttpError) -> HttpResponse:
    """Respond to an error of ninja's: no token, or a body that is not JSON."""
    if problem.status_code == 401:
        return problem_response(401, "Send a token: Authorization: Bearer dg_…")
    return problem_response(problem.status_code, problem.message)


def of_not_found(_request: HttpRequest, _problem: Http404) -> HttpResponse:
    """Respond to an unknown id or slug."""
    return problem_response(404, "Not found, or not within reach of this token.")


def of_size(_request: HttpRequest, _problem: RequestDataTooBig) -> HttpResponse:
    """Respond to a request that is too large."""
    return problem_response(413, "The request is too large.")


def of_database(_request: HttpRequest, problem: Exception) -> HttpResponse:
    """Respond while the database is unavailable."""
    log.error("database unavailable", problem=str(problem).strip())
    return problem_response(
        503, "The database is unavailable. Try again in a few seconds.", wait=10
    )


def of_unexpected(request: HttpRequest, problem: Exception) -> HttpResponse:
    """Respond to an error that was not foreseen, without details; they are in the log."""
    log.error("request failed", method=request.method, path=request.path, exc_info=problem)
    return problem_response(500, "An unexpected error occurred. The server's log has the details.")


HANDLERS: dict[type[Exception], Any] = {
    Exception: of_unexpected,
    DigestError: of_digest,
    ValidationError: of_validation,
    HttpError: of_http,
    Http404: of_not_found,
    RequestDataTooBig: of_size,
    OperationalError: of_database,
    InterfaceError: of_database,
}


def instead_of_method_not_allowed(view: View) -> View:
    """Wrap a view, so that its 405 is a problem like all others, and names the methods."""

    @wraps(view)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        methods = ", ".join(sorted(response["Allow"].split(", ")))
        problem = problem_response(405, f"{request.method} is not possible here; use {methods}.")
        problem["Allow"] = methods
        return problem

    return respond


def install(api: NinjaAPI) -> None:
    """Register the handlers with an API."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _location(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out the name of the view's parameter, which callers do not know."""
    return (loc[0], *loc[2:]) if loc[0] == "body" and len(loc) > 1 else loc
