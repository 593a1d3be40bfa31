"""django-allauth's adapters: no sign-up without an invitation, secrets are sealed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from digest.core import client_ip, clock, sealing
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_to_account

UNKNOWN_IP = "unknown"
CHANGES = {
    "account/email/password_changed": "Your password was changed",
    "account/email/password_reset": "Your password was reset",
    "mfa/email/totp_activated": "An authenticator app was added",
    "mfa/email/totp_deactivated": "The authenticator app was removed",
    "mfa/email/webauthn_added": "A passkey was added",
    "mfa/email/webauthn_removed": "A passkey was removed",
    "mfa/email/recovery_codes_generated": "New recovery codes were generated",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are created by an invitation or at first run; their mail is sent as notices."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  allauth's
        """Return False: accounts need an invitation."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return what failed attempts are counted by: a client may have many IPv6 addresses."""
        ip = client_ip.address(request)
        return client_ip.counted_as(ip) if ip else UNKNOWN_IP

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Notify a user of a change, at the address that they sign in with."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:  # noqa: ARG002  allauth's
        """Queue a notice instead; without a publication no mail can be sent."""
        publication = Publication.objects.order_by("pk").first()
        notice_context = self._notice_context(template_prefix)
        if publication is None or notice_context is None:
            return
        queue_to_account(Notice.Kind.ACCOUNT, publication, email, clock.now(), notice_context)

    def _notice_context(self, prefix: str) -> dict[str, str] | None:
        change = CHANGES.get(prefix)
        return (
            {"change": change, "ip": client_ip.address(self.request) or UNKNOWN_IP}
            if change
            else None
        )


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of authenticator apps sealed."""

    def encrypt(self, text: str) -> str:
        """Seal a secret."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Read a sealed secret."""
        return sealing.unseal(encrypted_text)
