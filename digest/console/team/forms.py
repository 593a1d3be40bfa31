"""The form for a forgotten password."""

from contextlib import suppress
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.http import HttpRequest

from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice


class ForgottenPasswordForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """Queues a mail for every address; whether it has an account is found when it is sent.

    So neither the page nor the time that it takes tells who has one.
    """

    def clean_email(self) -> str:
        """Return the address, without looking it up."""
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **_options: Any) -> str:  # noqa: ARG002  allauth's
        """Queue the mail; without a publication no mail can be sent."""
        email = str(self.cleaned_data["email"])
        if publication := Publication.objects.order_by("pk").first():
            with suppress(DigestError):  # it is not an address that mail can be sent to
                queue_notice(
                    Notice.Kind.ACCOUNT,
                    publication,
                    email=email,
                    now=clock.now(),
                    context={"forgotten": True},
                )
        return email
