"""Two people who edit the same settings: who saves last is told what the other one saved.

A form carries a mark of the values with which it was opened (`console/components/mark.html`). If
they are other ones when it is sent, it is shown again with what was entered and with a new mark:
sent once more, it replaces what the other person saved.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

FIELD = "opened_with"
CHANGED = (
    "Somebody changed this after you opened the page. What you entered is still here: save it "
    "again to replace theirs, or open the page again to see it."
)


def mark_of(values: Mapping[str, Any]) -> str:
    """Return a mark that is another one for other values."""
    pairs = sorted((name, _plain(value)) for name, value in values.items())
    return sha256(repr(pairs).encode()).hexdigest()[:16]


def is_outdated(request: HttpRequest, values: Mapping[str, Any]) -> bool:
    """Say whether a form was opened with other values than these, the stored ones."""
    opened_with = request.POST.get(FIELD, "")
    return bool(opened_with) and opened_with != mark_of(values)


def _plain(value: Any) -> str:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, Mapping):
        return repr(sorted((str(name), _plain(row)) for name, row in value.items()))
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        rows = [*value]
        plain = [_plain(row) for row in rows]
        # Of rows the database gives no order.
        return repr(sorted(plain) if rows and isinstance(rows[0], Model) else plain)
    return str(value)
