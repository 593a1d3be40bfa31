"""Publications: list, show, change how their mails look and what is counted of clicks."""

from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.lookup import get_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Line, Number, Payload, Slug, Switch, Url
from digest.core import clock
from digest.entitlements import reading, registry
from digest.entitlements.describing import describe
from digest.entitlements.models import StripeAccount
from digest.newsletters import contributions, members, setup
from digest.newsletters.choices import Background, Corner, Density, Fonts
from digest.newsletters.members import Right
from digest.newsletters.models import LONGEST_HALF_LIFE, Publication, Tracking

router = Operations(tags=["publications"])

Colour = Annotated[Line, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
LOOK = (
    *("tagline", "logo_url", "logo_dark_url", "logo_width", "accent", "accent_dark"),
    *("background", "fonts", "corner", "density", "host_pictures"),
)
COUNTING = ("tracking", "track_opens", "popularity_half_life")


class PublicationPatch(Payload):
    """Changes to a publication. Absent fields stay as they are."""

    tagline: Line | None = None
    logo_url: Url | Annotated[str, Field(max_length=0)] | None = None
    logo_dark_url: Url | Annotated[str, Field(max_length=0)] | None = Field(
        None, description="Shown on a dark background instead of the logo."
    )
    logo_width: Annotated[Number, Field(ge=40, le=520)] | None = None
    accent: Colour | None = None
    accent_dark: Colour | Annotated[str, Field(max_length=0)] | None = Field(
        None, description="Empty: derived from `accent`."
    )
    background: Background | None = None
    fonts: Fonts | None = None
    corner: Corner | None = None
    density: Density | None = None
    host_pictures: Switch | None = Field(
        None, description="Pictures of stories are fetched and served from here."
    )
    tracking: Tracking | None = Field(
        None,
        description="What is counted of clicks: nothing, clicks without knowing whose, or those of "
        "each subscriber. It holds for old mails too; links change in mails compiled afterwards.",
    )
    track_opens: Switch | None = Field(
        None, description="By a pixel. Needs clicks to be counted, and says little."
    )
    popularity_half_life: Annotated[Number, Field(ge=1, le=LONGEST_HALF_LIFE)] | None = Field(
        None, description="Hours after which a click or page view counts half."
    )


class PublicationOut(BaseModel):
    """A publication, how its mails look, and what is counted of clicks."""

    slug: str
    name: str
    url: str
    language: str
    timezone: str
    tagline: str
    logo_url: str
    logo_dark_url: str
    logo_width: int
    accent: str
    accent_dark: str
    background: str
    fonts: str
    corner: str
    density: str
    host_pictures: bool
    tracking: str
    track_opens: bool
    popularity_half_life: int


class StripeIn(Payload):
    """How Stripe is connected to a publication. Absent fields stay as they are."""

    signing_secret: Annotated[Line, Field(max_length=300)] | None = Field(
        None, description="Of the endpoint in Stripe (`whsec_…`). It is never shown."
    )
    tier_without: Annotated[Line, Field(max_length=100)] | None = Field(
        None, description="The tier of those who paid once and do not any more. Empty: none."
    )
    has_grace: Switch | None = Field(
        None, description="The tier stays while Stripe tries again to collect a payment."
    )
    tiers: dict[Line, Line] | None = Field(
        None, description="All of them: tiers by the id of a price or a product."
    )


class StripeOut(BaseModel):
    """How Stripe is connected to a publication, and what it reported."""

    address: str = Field(description="Of the endpoint to add in Stripe.")
    events: list[str] = Field(description="That the endpoint should send.")
    attribute: str = Field(description="The key of the attribute that holds the tier.")
    has_secret: bool
    tier_without: str
    has_grace: bool
    received_at: datetime | None
    is_settled: bool = Field(
        description="Whether everybody who pays has the tier that the present rules give."
    )
    is_ending: bool = Field(
        description="It is being disconnected: the tiers that it gave end, and no calls are taken."
    )
    tiers: dict[str, str] = Field(
        description="By price or product; empty for a reported price that gives none."
    )
    payers: dict[str, int] = Field(description="How many pay for each tier, subscribed or not.")
    subscribers: dict[str, int] = Field(description="How many of them are subscribers.")


@router.read("/publications", Scope.NEWSLETTERS_READ, returns=Page[PublicationOut])
def list_publications(request: HttpRequest, query: Query[PageQuery]) -> Any:
    """List publications."""
    rows = caller_of(request).scope.publications()
    return paginate(rows, query, "publications", _serialize)


@router.read("/publications/{slug}", Scope.NEWSLETTERS_READ, returns=PublicationOut)
def show_publication(request: HttpRequest, slug: Slug) -> Any:
    """Show a publication."""
    return _serialize(get_publication(caller_of(request), slug))


@router.change("/publications/{slug}", Scope.NEWSLETTERS_WRITE, returns=PublicationOut)
def change_publication(request: HttpRequest, slug: Slug, payload: PublicationPatch) -> Any:
    """Change how a publication's mails look, and what is counted of clicks.

    Issues that have been planned stay as they are.
    """
    caller = caller_of(request)
    row = get_publication(caller, slug)
    values = payload.model_dump(exclude_unset=True, exclude_none=True)
    with contributions.noted(caller.token.owner, row):
        setup.change_publication(row, **values)
    return _serialize(row)


@router.read("/publications/{slug}/stripe", Scope.SUBSCRIBERS_READ, returns=StripeOut)
def show_stripe(request: HttpRequest, slug: Slug) -> Any:
    """Show how Stripe is connected to a publication; 404 if it is not."""
    return _serialize_stripe(_stripe(get_publication(caller_of(request), slug)))


@router.change("/publications/{slug}/stripe", Scope.SUBSCRIBERS_WRITE, returns=StripeOut)
def change_stripe(request: HttpRequest, slug: Slug, payload: StripeIn) -> Any:
    """Connect Stripe to a publication, or change what its prices stand for.

    An owner's token is needed to connect it, and to change the signing secret.
    """
    caller = caller_of(request)
    publication = get_publication(caller, slug)
    is_owner = members.has_right(caller.token.owner, Right.MANAGE, publication.pk)
    account = StripeAccount.objects.filter(publication=publication).first()
    if not is_owner and (account is None or payload.signing_secret is not None):
        raise ProblemError(403, "Only an owner's token connects Stripe or changes its secret.")
    with transaction.atomic():
        account = account or registry.connect(publication, clock.now())
        registry.change(
            account,
            secret=payload.signing_secret,
            tier_without=payload.tier_without,
            has_grace=payload.has_grace,
            rules=payload.tiers,
        )
    return _serialize_stripe(_stripe(publication))


def _stripe(publication: Publication) -> StripeAccount:
    rows = StripeAccount.objects.select_related("publication", "attribute")
    return get_object_or_404(rows, publication=publication)


def _serialize_stripe(account: StripeAccount) -> dict[str, Any]:
    status = registry.status_of(account)
    return {
        **describe(account),
        "events": list(reading.KINDS),
        "tiers": registry.references_of(account),
        "payers": {tier: number for tier, number, _ in status.tiers},
        "subscribers": {tier: subscribers for tier, _, subscribers in status.tiers},
    }


def _serialize(row: Publication) -> dict[str, Any]:
    names = ("slug", "name", "url", "language", "timezone", *LOOK, *COUNTING)
    return {name: getattr(row, name) for name in names}
