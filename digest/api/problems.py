"""What an error is answered with: problem details (RFC 9457), and never a traceback."""

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
from digest.core.errors import ConfigurationError, DigestError, InvalidAddressError
from digest.core.http import FetchError
from digest.newsletters.errors import NewsletterError
from digest.relays.errors import TransportError
from digest.subscribers.errors import LimiterUnavailableError, TooManyError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    at: str = Field(description="where: `body.email`, `query.limit`")
    says: str


class Problem(BaseModel):
    """Why a call was not done (RFC 9457). A call that has a problem has changed nothing."""

    type: str = Field("about:blank", description="`about:blank`: the status says it all")
    title: str
    status: int
    detail: str = Field("", description="for a person to read")
    scopes: list[str] = Field(default=[], description="those that the token lacks (403)")
    errors: list[Wrong] = Field(default=[], description="what is wrong with the request (422)")


class ProblemError(DigestError):
    """A call is refused for a reason of the API's own; `more` are further members."""

    def __init__(self, status: int, detail: str, *, wait: int = 0, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.wait, self.more = status, wait, more


# Every operation may be answered so; the schema names them all.
STATUSES: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429, 503), Problem)

# The request asks for what cannot be; any other DigestError is about the state of things.
_ABOUT_INPUT = (InvalidAddressError, NewsletterError, DiscoveryError, ParseError, FetchError)


def answer(status: int, detail: str, *, wait: int = 0, **more: Any) -> HttpResponse:
    """Return a problem; `wait` is in seconds, for Retry-After."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)
    response = Response(told.model_dump(exclude_defaults=True), status=status)
    response["Content-Type"] = MEDIA_TYPE
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="digest"'
    if wait:
        response["Retry-After"] = str(wait)
    return response


def of_digest(_request: HttpRequest, problem: DigestError) -> HttpResponse:
    """Say in its own words what a person can mend."""
    if isinstance(problem, ProblemError):
        return answer(problem.status, str(problem), wait=problem.wait, **problem.more)
    if isinstance(problem, TooManyError):
        return answer(429, str(problem), wait=problem.seconds)
    if isinstance(problem, LimiterUnavailableError | ConfigurationError | TransportError):
        return answer(503, str(problem), wait=60)
    return answer(422 if isinstance(problem, _ABOUT_INPUT) else 409, str(problem))


def of_validation(_request: HttpRequest, problem: ValidationError) -> HttpResponse:
    """Say what is wrong with a request, and where."""
    errors = [
        Wrong(at=".".join(map(str, _place(one["loc"]))), says=one["msg"]) for one in problem.errors
    ]
    return answer(422, "The request is not as the API's description asks.", errors=errors)


def of_http(_request: HttpRequest, problem: HttpError) -> HttpResponse:
    """Say what ninja found wrong: no token, or a body that is no JSON."""
    if problem.status_code == 401:
        return answer(401, "Send a token: Authorization: Bearer dg_…")
    return answer(problem.status_code, problem.message)


def of_unknown(_request: HttpRequest, _problem: Http404) -> HttpResponse:
    """Say that there is no such thing."""
    return answer(404, "There is no such thing, or the token does not reach it.")


def of_size(_request: HttpRequest, _problem: RequestDataTooBig) -> HttpResponse:
    """Say that it is too much."""
    return answer(413, "The request is too large.")


def of_database(_request: HttpRequest, problem: Exception) -> HttpResponse:
    """Say that the database is away."""
    log.error("database away", problem=str(problem).strip())
    return answer(503, "The database cannot be reached at this moment.", wait=10)


def of_anything(request: HttpRequest, problem: Exception) -> HttpResponse:
    """Say no more than that it is our fault; the log says what."""
    log.error("call failed", method=request.method, path=request.path, exc_info=problem)
    return answer(500, "Something unforeseen went wrong here; the log knows what.")


HANDLERS: dict[type[Exception], Any] = {
    Exception: of_anything,
    DigestError: of_digest,
    ValidationError: of_validation,
    HttpError: of_http,
    Http404: of_unknown,
    RequestDataTooBig: of_size,
    OperationalError: of_database,
    InterfaceError: of_database,
}


def install(api: NinjaAPI) -> None:
    """Let an API answer errors so."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _place(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out the name of our own parameter, which nobody outside knows."""
    return (loc[0], *loc[2:]) if loc[0] == "body" and len(loc) > 1 else loc
