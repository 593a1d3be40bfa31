"""The description holds: schemathesis tries the whole API, and finds neither a 500 nor a surprise.

DIGEST_API_EXAMPLES sets how many calls are made up for each operation. They are made up when its
test runs: `schema.parametrize()` does that while tests are collected, which each worker does.
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import pytest
import schemathesis
from django.core import signals
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import BaseModel
from pytest_django.fixtures import Settings
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from digest.accounts import tokens
from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.core import clock
from digest.subscribers.suppression import suppress
from digest.wsgi import application
from tests.api.test_rights import DESCRIBED, Operation
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_running
from tests.cast.newsletters import make_newsletter, make_publication
from tests.clock import NOON
from tests.smtp_server import SmtpServer

EXAMPLES = int(os.environ.get("DIGEST_API_EXAMPLES", "10"))

# The ids of what is there, by the first word of the path.
existing: dict[str, int] = {}


@pytest.fixture
def secret(db: None, settings: Settings) -> Iterator[str]:
    """A token of all scopes, a relay, and one of each thing to call about.

    The end of a request leaves the connection open, which the test's transaction lives on.
    """
    handled_signals = (signals.request_started, signals.request_finished)
    for signal in handled_signals:
        signal.disconnect(close_old_connections)
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        yield _set_up(settings)
    for signal in handled_signals:
        signal.connect(close_old_connections)


def _set_up(settings: Settings) -> str:
    settings.DIGEST_API_LIMIT = "1000000/minute"
    settings.DIGEST_SIGNUP_LIMITS = dict.fromkeys(settings.DIGEST_SIGNUP_LIMITS, "1000000/hour")
    newsletter = make_newsletter(slug="tide", publication=make_publication(slug="courier"))
    issue = make_running(2, newsletter=newsletter)
    source = make_source(newsletter, url="http://127.0.0.1:9/feed")
    subscriber = newsletter.subscriptions.earliest("pk").subscriber
    suppress("left@reader.example", reason="asked", newsletter=newsletter, now=NOON)
    existing.update(
        articles=make_article(source).pk,
        sources=source.pk,
        newsletters=source.pk,
        issues=issue.pk,
        subscribers=subscriber.pk,
        suppressions=newsletter.suppressions.get().pk,
    )
    owner = User.objects.create_user("ada@courier.example")
    return tokens.create("all", owner, list(Scope), now=clock.now())[1]


def test_schemas_have_names_of_their_own() -> None:
    """The description names them; of two with one name it would describe one wrongly."""
    counts = Counter(model.__name__ for model in _schemas(BaseModel))
    assert [name for name, count in counts.items() if count > 1] == []


def _schemas(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("digest.api."):
            yield model
        yield from _schemas(model)


def about_what_is_there(case: Case[Any]) -> None:
    """Let made-up calls be about real things as well; fetch from nowhere but this machine."""
    parameters, body = case.path_parameters or {}, cast("Any", case.body)
    honest = case.meta is None or case.meta.generation.mode.is_positive
    if honest and len(repr(parameters)) % 2:
        if "number" in parameters:
            parameters["number"] = existing[case.path.removeprefix("/api/v1/").split("/")[0]]
        if "slug" in parameters:
            parameters["slug"] = "tide"
    if isinstance(body, dict):
        if "site_url" in body:
            body["site_url"] = "http://127.0.0.1:9"
        if "url" in body and case.path.endswith("/sources"):
            body["url"] = "http://127.0.0.1:9/feed"
        for name, value in {"publication": "courier", "newsletters": ["tide"]}.items():
            if name in body and len(repr(body)) % 2:
                body[name] = value


@cache
def schema() -> BaseSchema:
    """The API's description of itself."""
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.mark.parametrize("row", DESCRIBED, ids=lambda row: f"{row.method} {row.path}")
def test_no_call_ends_in_a_500_or_an_answer_that_is_not_described(
    row: Operation, secret: str
) -> None:
    """Whatever is sent, with a token that may do everything."""
    constants = make_constants_value_source(schema())
    try_all = build_operation_test(
        config=schema().config,
        operation=schema()[f"/api/v1{row.path}"][row.method],
        test_func=call,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=constants),
    )
    try_all(secret=secret)


@hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
def call(case: Case[Any], secret: str) -> None:
    """Make one of the calls that were made up, and compare its answer with the description."""
    about_what_is_there(case)
    case.call_and_validate(
        headers={"Authorization": f"Bearer {secret}"},
        # What lies beyond a schema's words is refused too, and unknown filters are overlooked.
        excluded_checks=[positive_data_acceptance, negative_data_rejection],
    )
