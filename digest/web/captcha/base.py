"""The protocol of all captchas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Widget:
    """What a page needs to show a captcha; `kind` selects its part of the form's template."""

    kind: str
    script: str  # URL of the script that the page loads
    options: Mapping[str, Any] = field(
        default_factory=dict
    )  # for the template and for scripts of other sites
    sources: Mapping[str, str] = field(
        default_factory=dict
    )  # directives of the content security policy to widen


class Captcha(Protocol):
    """One way to tell people from bots."""

    def widget(self, now: datetime) -> Widget:
        """Return what a new form shows."""
        ...

    def passes(self, fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:
        """Return whether the fields of a submitted form solve it.

        Raises LimiterUnavailableError if that cannot be known now.
        """
        ...
