"""The types of values in requests, validated before any other code sees them.

PostgreSQL's text cannot hold NUL, and its bigint limits ids.
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


class Payload(BaseModel):
    """The body of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def _require_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("a date and time is a string in the format of RFC 3339")  # noqa: TRY004  pydantic needs it
    return value


def _check_year(moment: datetime) -> datetime:
    if not 1900 <= moment.year <= 2200:
        raise ValueError("the year must be between 1900 and 2200")
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
    BeforeValidator(_require_text),
    AfterValidator(_check_year),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
