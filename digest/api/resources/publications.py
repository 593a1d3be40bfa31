"""Publications: list, show, change how their mails look and what is counted of clicks."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import caller_of
from digest.api.lookup import get_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.routing import Operations
from digest.api.schemas import Line, Number, Payload, Slug, Switch, Url
from digest.newsletters import contributions, setup
from digest.newsletters.choices import Background, Corner, Density, Fonts
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


def _serialize(row: Publication) -> dict[str, Any]:
    names = ("slug", "name", "url", "language", "timezone", *LOOK, *COUNTING)
    return {name: getattr(row, name) for name in names}
