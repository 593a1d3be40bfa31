"""Sign-up forms that are designed for the publisher's site: listed, created, changed, deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import PublicationQuery, get_newsletter, get_publication, of_publication
from digest.api.paging import Page, paginate
from digest.api.resources.audience.attributes import Key
from digest.api.routing import Operations
from digest.api.schemas import Id, Line, Payload, Slug, Switch
from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms import models, saving
from digest.newsletters.signup_forms.describing import describe
from digest.newsletters.signup_forms.models import SignUpForm

router = Operations(tags=["forms"])

Newsletters = Annotated[list[Slug], Field(min_length=1, max_length=saving.MOST_NEWSLETTERS)]
Attributes = Annotated[
    list[Key],
    Field(
        max_length=saving.MOST_ATTRIBUTES,
        description="The keys of those that subscribers may enter when they sign up.",
    ),
]
Name = Annotated[Line, Field(min_length=1, max_length=models.LONGEST_NAME)]
ShortText = Annotated[Line, Field(max_length=models.LONGEST_HEADLINE)]
LongerText = Annotated[str, Field(max_length=models.LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]*$")]
Consent = Annotated[
    str,
    Field(
        max_length=models.LONGEST_CONSENT,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="What subscribers agree to. Blank: the usual wording.",
    ),
]


class SignUpFormPatch(Payload):
    """Changes to a form, also where it is embedded. Absent fields stay as they are."""

    name: Name | None = None
    newsletters: Newsletters | None = None
    attributes: Attributes | None = None
    kind: SignUpForm.Kind | None = None
    look: SignUpForm.Look | None = None
    headline: ShortText | None = None
    text: LongerText | None = None
    button: Annotated[Line, Field(max_length=models.LONGEST_BUTTON)] | None = None
    thanks: LongerText | None = None
    consent: Consent | None = None
    asks_name: Switch | None = None
    asks_topics: Switch | None = None
    after_seconds: Annotated[int, Field(ge=5, le=models.MOST_SECONDS, strict=True)] | None = None
    after_scroll: Annotated[
        int | None,
        Field(ge=10, le=100, strict=True, description="Percent of the page, of bar and pop-up."),
    ] = None
    rest_days: Annotated[int, Field(ge=1, le=models.MOST_DAYS, strict=True)] | None = None


class SignUpFormIn(SignUpFormPatch):
    """A new form. Texts that are absent are the usual ones, in the newsletter's language."""

    publication: Slug
    name: Name
    newsletters: Newsletters


class SignUpFormOut(BaseModel):
    """A sign-up form."""

    id: int
    publication: str
    name: str
    newsletters: list[str]
    attributes: list[str]
    kind: str
    look: str
    headline: str
    text: str
    button: str
    thanks: str
    consent: str
    asks_name: bool
    asks_topics: bool
    after_seconds: int
    after_scroll: int
    rest_days: int
    source: str = Field(description="How sign-ups through it name it as their source.")
    snippet: str = Field(description="The line of HTML that shows it on a site.")
    page_url: str = Field(description="The form as a page; it also takes plain HTML forms.")
    created_at: datetime
    changed_at: datetime


@router.read("/forms", Scope.NEWSLETTERS_READ, returns=Page[SignUpFormOut])
def list_forms(request: HttpRequest, query: Query[PublicationQuery]) -> Any:
    """List sign-up forms."""
    rows = of_publication(_rows(caller_of(request)), query.publication)
    return paginate(rows.prefetch_related("newsletters", "attributes"), query, "forms", _serialize)


@router.create("/forms", Scope.NEWSLETTERS_WRITE, returns=SignUpFormOut)
@idempotent
def create_form(request: HttpRequest, payload: SignUpFormIn) -> Any:
    """Create a sign-up form; `snippet` shows it on a site."""
    caller = caller_of(request)
    publication = get_publication(caller, payload.publication)
    form = SignUpForm(publication=publication)
    return Status(201, _serialize(_save(caller, form, payload)))


@router.read("/forms/{form_id}", Scope.NEWSLETTERS_READ, returns=SignUpFormOut)
def show_form(request: HttpRequest, form_id: Id) -> Any:
    """Show a sign-up form."""
    return _serialize(get_object_or_404(_rows(caller_of(request)), pk=form_id))


@router.change("/forms/{form_id}", Scope.NEWSLETTERS_WRITE, returns=SignUpFormOut)
def change_form(request: HttpRequest, form_id: Id, payload: SignUpFormPatch) -> Any:
    """Change a sign-up form, wherever it is embedded."""
    caller = caller_of(request)
    form = get_object_or_404(_rows(caller), pk=form_id)
    return _serialize(_save(caller, form, payload))


@router.remove("/forms/{form_id}", Scope.NEWSLETTERS_WRITE)
def delete_form(request: HttpRequest, form_id: Id) -> Any:
    """Delete a sign-up form: its script draws nothing any more. Its sign-ups stay."""
    get_object_or_404(_rows(caller_of(request)), pk=form_id).delete()
    return Status(204, None)


def _save(caller: Caller, form: SignUpForm, payload: SignUpFormPatch) -> SignUpForm:
    values = payload.model_dump(
        exclude={"publication", "newsletters", "attributes"}, exclude_none=True
    )
    slugs, keys = payload.newsletters, payload.attributes
    return saving.save_form(
        form,
        newsletters=None if slugs is None else _newsletters(caller, slugs),
        attributes=None if keys is None else saving.attributes_named(form.publication, keys),
        now=clock.now(),
        **values,
    )


def _newsletters(caller: Caller, slugs: Iterable[str]) -> list[Newsletter]:
    return [get_newsletter(caller, slug) for slug in dict.fromkeys(slugs)]


def _rows(caller: Caller) -> QuerySet[SignUpForm]:
    return caller.scope.filter(SignUpForm.objects.select_related("publication"))


def _serialize(row: SignUpForm) -> dict[str, Any]:
    return describe(row) | {"created_at": row.created_at, "changed_at": row.changed_at}
