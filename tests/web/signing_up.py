"""A person at the sign-up form, for tests: what they send, and what the mail to them says."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.notices import content
from digest.notices.models import Notice
from digest.selfservice import signups
from digest.selfservice.offers import Subject
from digest.web import forms

NADIA = "nadia@reader.example"


def token(subject: Subject, seconds: float = 5) -> str:
    """The token of a form that was opened some seconds ago."""
    return forms.make_token(subject, clock.now() - timedelta(seconds=seconds))


def sign_up(
    client: Client, newsletter: Newsletter, email: str = NADIA, **fields: Any
) -> HttpResponse:
    """Send the form as a browser does."""
    data = {"email": email, "token": token(newsletter)} | fields
    return client.post(f"/subscribe/{newsletter.slug}", data)  # type: ignore[return-value]


def letter(kind: str = "confirm", email: str = NADIA) -> content.WrittenNotice:
    """What the latest notice of this kind says; settles what waits first."""
    signups.settle_due()
    notice = Notice.objects.filter(kind=kind, email=email).latest("pk")
    written = content.write_letter(notice, clock.now())
    assert written is not None
    return written


def path(link: str) -> str:
    """The path of one of our links."""
    return link.removeprefix(settings.DIGEST_BASE_URL)


def confirm_path(email: str = NADIA) -> str:
    """The link in the latest confirmation."""
    return path(letter("confirm", email).links["confirm"])
