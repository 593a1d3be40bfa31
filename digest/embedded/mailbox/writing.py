"""Write a mail to Digest's own addresses from the mailbox page, by real SMTP on loopback."""

import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from digest.core import addresses, env
from digest.core.errors import InvalidAddressError
from digest.embedded.loopback import only_from_this_machine
from digest.embedded.mailbox.views import PAGE_POLICY
from digest.newsletters.models import Newsletter

PATIENCE = 20  # seconds
LONGEST = 50_000  # characters of a text


@require_http_methods(["GET", "HEAD", "POST"])
@only_from_this_machine
def write(request: HttpRequest) -> HttpResponse:
    """Show the form, or hand the mail over and show what the server said."""
    sent = request.POST if request.method == "POST" else request.GET
    mail = {name: sent.get(name, "")[:LONGEST] for name in ("sender", "to", "subject", "text")}
    reply, accepted = _submit(mail) if request.method == "POST" else ("", False)
    context = {"mail": mail, "said": reply, "taken": accepted, "suggested": _suggested()}
    status = 422 if reply and not accepted else 200
    response = render(request, "mailbox/write.html.j2", context, status=status)
    response["Content-Security-Policy"] = PAGE_POLICY
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"  # or the form would come back with Origin: null
    return response


def _suggested() -> list[str]:
    """Return the addresses that can be written to."""
    domain = settings.DIGEST_INBOUND_DOMAIN
    if not domain:
        return []
    slugs = Newsletter.objects.open_to_all().order_by("slug")
    subscribing = [f"subscribe+{slug}@{domain}" for slug in slugs.values_list("slug", flat=True)]
    return [*subscribing, f"help@{domain}"]


def _submit(mail: dict[str, str]) -> tuple[str, bool]:
    """Return what the server said, and whether it took the mail."""
    port = env.read("DIGEST_INBOUND_PORT")
    if not port or not settings.DIGEST_INBOUND_DOMAIN:
        return "No mail is received on this installation.", False
    try:
        sender = addresses.parse(mail["sender"]).email
        message = _message(mail, sender)
        with smtplib.SMTP("127.0.0.1", int(port), "localhost", timeout=PATIENCE) as smtp:
            smtp.ehlo()
            return _converse(smtp, addresses.envelope(sender), mail["to"].strip(), message)
    except InvalidAddressError as problem:
        return str(problem), False
    except (OSError, smtplib.SMTPException, ValueError) as problem:
        return f"The mail could not be handed over: {problem}", False


def _converse(smtp: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> tuple[str, bool]:
    code, text = smtp.mail(sender)
    if code == 250:
        code, text = smtp.rcpt(recipient)
    if code == 250:
        code, text = smtp.data(message)
    return f"{code} {text.decode('utf-8', 'replace')}", code < 300


def _message(mail: dict[str, str], sender: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = addresses.envelope(sender)
    message["To"] = mail["to"].strip()
    message["Subject"] = " ".join(mail["subject"].split())
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="localhost")
    message.set_content(mail["text"])
    return message.as_bytes()
