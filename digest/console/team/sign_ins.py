"""Record in the audit log who signed in, who failed to, and what changed about an account.

django-allauth's pages report these as signals; `connect` listens to them.
"""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from digest.accounts import audit
from digest.accounts.models import User
from digest.core import client_ip, clock

CHANGES = {
    account.user_logged_in: "signed in",
    account.user_logged_out: "signed out",
    account.password_changed: "changed the password",
    account.password_set: "set a password",
    account.password_reset: "reset the password",
    mfa.authentication_failed: "failed the second factor",
    mfa.authenticator_added: "added a second factor",
    mfa.authenticator_removed: "removed a second factor",
    mfa.authenticator_reset: "generated new recovery codes",
}
FAILED = "failed to sign in"


def connect() -> None:
    """Listen to the signals; safe to call twice."""
    for signal, action in CHANGES.items():
        signal.connect(_recorder(action), weak=False, dispatch_uid=f"audit {action}")
    user_login_failed.connect(_record_failure, dispatch_uid="audit failure")


def _recorder(action: str) -> Any:
    def receive(request: HttpRequest, user: User | None, **_signal: Any) -> None:
        if isinstance(user, User):  # nobody signs out of a session that is over
            audit.record(user, action, clock.now(), url=request.path, ip=client_ip.address(request))

    return receive


def _record_failure(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any
) -> None:
    """Record the address that was typed. Whose it is, if anybody's, is not looked up here."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    ip = client_ip.address(request) if request else None
    audit.record_attempt(email, FAILED, clock.now(), ip=ip)
