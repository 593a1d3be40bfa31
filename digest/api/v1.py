"""The first version of the API, as it is mounted: its operations, its description, its errors."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from digest import __version__
from digest.api import docs, problems
from digest.api.resources import (
    articles,
    issues,
    newsletters,
    sections,
    sources,
    subscribers,
    suppressions,
)

DESCRIPTION = (
    "What an editor or an operator does with Digest, for programs. Every call needs a token in "
    "`Authorization: Bearer dg_…`; `digest token add` makes one. Lists come in pages; calls that "
    "create or send take an `Idempotency-Key`. Errors are problem details (RFC 9457)."
)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 255},
    "description": "The call is done once; for 24 hours a repeat gets the first answer.",
}


class DigestAPI(NinjaAPI):
    """Describes errors as what they are, and says what takes an Idempotency-Key."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the description."""
        schema = super().get_openapi_schema(**options)
        ours = self._operations()
        for operations in schema["paths"].values():
            for told in operations.values():
                _describe(told, ours[told["operationId"]])
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Name an operation by its function."""
        return operation.view_func.__name__

    def _operations(self) -> dict[str, Operation]:
        return {
            self.get_openapi_operation_id(operation): operation
            for router in self._get_bound_routers()
            for view in router.path_operations.values()
            for operation in view.operations
        }


def _describe(told: dict[str, Any], operation: Operation) -> None:
    """Add what ninja cannot know: scopes, the key's header, the media type of problems."""
    for answer in told["responses"].values():
        _as_problem(answer)
    for auth in operation.auth_callbacks:
        scopes = [scope.value for scope in auth.scopes]  # type: ignore[attr-defined]
        told["security"] = [{"Bearer": scopes}]
        told["description"] += f"\n\nScope: {' and '.join(f'`{scope}`' for scope in scopes)}."
    if getattr(operation.run, "takes_key", False):
        needed = "Needs an Idempotency-Key" in told["description"]
        told["parameters"].append(_KEY | {"required": needed})


def _as_problem(answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    told = content.get("application/json", {}).get("schema", {})
    if told.get("$ref", "").endswith("/Problem") or told.get("title") == "Problem":
        content[problems.MEDIA_TYPE] = content.pop("application/json")


api = DigestAPI(
    title="Digest",
    version=__version__,
    description=DESCRIPTION,
    urls_namespace="api-v1",
    docs_url=None,
)
problems.install(api)
for _resource in (newsletters, sections, sources, articles, issues, subscribers, suppressions):
    api.add_router("", _resource.router)


def _unknown(_request: HttpRequest, **_rest: str) -> HttpResponse:
    return problems.answer(404, "There is no such address. /api/v1/docs shows them all.")


urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", docs.page, name="api-docs"),
    path("", api.urls),
    path("<path:rest>", _unknown),
]
