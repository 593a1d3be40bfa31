"""Attributes: what a publication knows of its subscribers, with the type of its values."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field, StringConstraints

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import PublicationQuery, get_publication, of_publication
from digest.api.paging import Page, paginate
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug
from digest.core import clock
from digest.newsletters.audiences.models import Attribute
from digest.subscribers import attributes

router = Operations(tags=["attributes"])

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)]
Choices = Annotated[list[Line], Field(max_length=attributes.MOST_CHOICES)]


class AttributePatch(Payload):
    """Changes to an attribute. Absent fields stay as they are; key and kind never change."""

    label: Annotated[Line, Field(min_length=1, max_length=100)] | None = None
    choices: Choices | None = None
    access: Annotated[
        Attribute.Access | None,
        Field(description="What subscribers may do with their value on the public pages."),
    ] = None


class AttributeIn(AttributePatch):
    """A new attribute."""

    publication: Slug
    label: Annotated[Line, Field(min_length=1, max_length=100)]
    kind: Attribute.Kind
    key: Annotated[Key | None, Field(description="Null: made from the label.")] = None


class AttributeOut(BaseModel):
    """An attribute."""

    id: int
    publication: str
    key: str
    label: str
    kind: str
    choices: list[str]
    access: str
    created_at: datetime


@router.read("/attributes", Scope.SUBSCRIBERS_READ, returns=Page[AttributeOut])
def list_attributes(request: HttpRequest, query: Query[PublicationQuery]) -> Any:
    """List the attributes of subscribers."""
    rows = of_publication(_rows(caller_of(request)), query.publication)
    return paginate(rows, query, "attributes", _serialize)


@router.create("/attributes", Scope.SUBSCRIBERS_WRITE, returns=AttributeOut)
@idempotent
def create_attribute(request: HttpRequest, payload: AttributeIn) -> Any:
    """Create an attribute."""
    publication = get_publication(caller_of(request), payload.publication)
    values = payload.model_dump(exclude={"publication"}, exclude_none=True)
    row = attributes.define(publication, now=clock.now(), **values)
    return Status(201, _serialize(row))


@router.change("/attributes/{attribute_id}", Scope.SUBSCRIBERS_WRITE, returns=AttributeOut)
def change_attribute(request: HttpRequest, attribute_id: Id, payload: AttributePatch) -> Any:
    """Change an attribute."""
    row = get_object_or_404(_rows(caller_of(request)), pk=attribute_id)
    attributes.change(row, **payload.model_dump(exclude_none=True))
    return _serialize(row)


@router.remove("/attributes/{attribute_id}", Scope.SUBSCRIBERS_WRITE)
def delete_attribute(request: HttpRequest, attribute_id: Id) -> Any:
    """Delete an attribute with every subscriber's value; 409 while a segment asks for it."""
    row = get_object_or_404(_rows(caller_of(request)), pk=attribute_id)
    attributes.delete(row)
    return Status(204, None)


def _rows(caller: Caller) -> QuerySet[Attribute]:
    return caller.scope.filter(Attribute.objects.select_related("publication"))


def _serialize(row: Attribute) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in AttributeOut.model_fields}
    return values | {"publication": row.publication.slug}
