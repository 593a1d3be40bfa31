"""Who may open the console's pages."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpResponseBase

View = Callable[..., HttpResponseBase]


def editors(view: View) -> View:
    """Let people of the newsroom in; everybody else is asked to sign in."""
    guarded: Any = staff_member_required(view, login_url="admin:login")
    return guarded  # type: ignore[no-any-return]
