"""Kinds of values in requests: what they may be, checked before anything sees them.

PostgreSQL's text holds no NUL, and numbers beyond its bigint are nobody's id.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

_NO_NUL = r"^[^\x00]*$"


class Told(BaseModel):
    """The body of a request: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid")


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a moment is text, as RFC 3339 writes it")  # noqa: TRY004  pydantic's way
    return value


def _near(moment: datetime) -> datetime:
    if not 1900 <= moment.year <= 2200:
        raise ValueError("this is no moment of our time")
    return moment.astimezone(UTC)


Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=1, max_length=50)
]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Number = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Switch = Annotated[bool, Field(strict=True)]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=300)]
Text = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=20_000)]
Markup = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=500_000)]
Email = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x20\x7f]+@[^\x00-\x20\x7f]+$", max_length=320)
]
Url = Annotated[
    str, StringConstraints(pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f]+$", max_length=2000)
]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_only_text),
    AfterValidator(_near),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
