"""Version 1 of the API: its operations, its OpenAPI description, its error handlers."""

from copy import copy
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.utils import normalize_path

from digest import __version__
from digest.api import docs, problems
from digest.api.resources import (
    appeals,
    articles,
    blocks,
    bounces,
    connections,
    drops,
    experiments,
    issues,
    layout,
    newsletters,
    publications,
    reputation,
    series,
    sources,
    statistics,
    subscribers,
    sunset,
    suppressions,
    token,
)
from digest.api.resources.audience import attributes, bulk_changes, segments, signup_forms

DESCRIPTION = (
    "Do from a program what editors and operators do with Digest. Every request needs an API token "
    "in `Authorization: Bearer dg_…`. Create one in the console or with `digest token add`. Lists "
    "come in pages. Requests that create or send take an `Idempotency-Key`. Errors are problem "
    "details (RFC 9457)."
)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 255},
    "description": "A request with this key runs once. For 24 hours, repeats get its response.",
}


class DigestAPI(NinjaAPI):
    """Adds to the description the media type of problems, scopes, and the Idempotency-Key."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI description; only its paths depend on the request, by their prefix."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        schema = copy(self._describe())
        paths = schema["paths"].items()
        schema["paths"] = {normalize_path(f"/{prefix}{path}"): item for path, item in paths}
        return schema

    @cache  # noqa: B019  there is one API for as long as the process lives
    def _describe(self) -> OpenAPISchema:
        """Return the description without a prefix, which costs a second."""
        schema = super().get_openapi_schema(path_prefix="")
        by_id = self._operations()
        for path_item in schema["paths"].values():
            for description in path_item.values():
                _complete(description, by_id[description["operationId"]])
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the operation's function."""
        return operation.view_func.__name__

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        urls = super()._get_urls()
        for pattern in urls:
            if isinstance(pattern, URLPattern):
                pattern.callback = problems.instead_of_method_not_allowed(pattern.callback)
        return urls

    def _operations(self) -> dict[str, Operation]:
        return {
            self.get_openapi_operation_id(operation): operation
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
        }


def _complete(description: dict[str, Any], operation: Operation) -> None:
    """Add what ninja cannot know: scopes, the key's header, the media type of problems."""
    for response in description["responses"].values():
        _set_problem_type(response)
    for auth in operation.auth_callbacks:
        scopes = [scope.value for scope in auth.scopes]  # type: ignore[attr-defined]
        description["security"] = [{"Bearer": scopes}]
        named = " and ".join(f"`{scope}`" for scope in scopes)
        description["description"] += f"\n\nScope: {named or 'none; any token will do'}."
    if getattr(operation.run, "takes_key", False):
        is_required = "Requires an Idempotency-Key" in description["description"]
        description["parameters"].append(_KEY | {"required": is_required})


def _set_problem_type(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/Problem") or schema.get("title") == "Problem":
        content[problems.MEDIA_TYPE] = content.pop("application/json")


api = DigestAPI(
    title="Digest",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api-v1",
    docs_url=None,
)
problems.install(api)
for _resource in (
    *(publications, newsletters, layout, appeals, sources, connections, articles, issues, blocks),
    *(experiments, sunset, series),
    *(subscribers, attributes, segments, bulk_changes, signup_forms),
    *(suppressions, bounces, statistics, drops, reputation),
    token,
):
    api.add_router("", _resource.router)


def _not_found(_request: HttpRequest, **_kwargs: str) -> HttpResponse:
    return problems.problem_response(
        404, "There is no such operation. /api/v1/docs lists all operations."
    )


urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", docs.page, name="api-docs"),
    path("", api.urls),
    path("<path:rest>", _not_found),
]
