"""What django-allauth asks us about accounts: nobody signs up by themselves, secrets are sealed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from digest.core import client_ip, clock, sealing
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice

ELSEWHERE = "unknown"
CHANGES = {
    "account/email/password_changed": "Your password was changed",
    "account/email/password_reset": "Your password was set anew",
    "mfa/email/totp_activated": "An authenticator app was added",
    "mfa/email/totp_deactivated": "The authenticator app was removed",
    "mfa/email/webauthn_added": "A passkey was added",
    "mfa/email/webauthn_removed": "A passkey was removed",
    "mfa/email/recovery_codes_generated": "New recovery codes were made",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts are made by an invitation or at first run; mail about them goes out as a notice."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  allauth's
        """Refuse."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return whom failed attempts are counted against."""
        return client_ip.address(request) or ELSEWHERE

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell somebody of a change, at the address that they sign in with."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Lay down a notice instead; without a publication no mail can be sent."""
        publication = Publication.objects.order_by("pk").first()
        notice_context = self._notice_context(template_prefix, context)
        if publication is None or notice_context is None:
            return
        queue_notice(
            Notice.Kind.ACCOUNT, publication, email=email, now=clock.now(), context=notice_context
        )

    def _notice_context(self, prefix: str, context: dict[str, Any]) -> dict[str, str] | None:
        if url := context.get("password_reset_url"):
            # It opens the account: nobody reads that in the database.
            return {"reset": sealing.seal(url)}
        change = CHANGES.get(prefix)
        return {"change": change, "ip": self.get_client_ip(self.request)} if change else None


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of authenticator apps sealed."""

    def encrypt(self, text: str) -> str:
        """Seal a secret."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Read a sealed secret."""
        return sealing.unseal(encrypted_text)
