"""What every captcha has in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Widget:
    """What a page needs to show it; `kind` names its part of the form's template."""

    kind: str
    script: str  # address of the script that a page loads
    facts: Mapping[str, Any] = field(default_factory=dict)  # for the template and for scripts
    sources: Mapping[str, str] = field(default_factory=dict)  # policy directives to widen


class Captcha(Protocol):
    """One way to tell people from bots."""

    def widget(self, now: datetime) -> Widget:
        """Return what a new form shows."""
        ...

    def passes(self, fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:
        """Say whether the fields of a form that came back solve it."""
        ...
