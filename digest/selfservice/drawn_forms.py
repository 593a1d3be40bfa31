"""What a script draws a designed form with, here for sites and for the console's preview."""

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from digest.core import languages
from digest.core.links import Page
from digest.newsletters.models import Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.rendering.themes.branding import publication_theme
from digest.selfservice.offers import Offer
from digest.selfservice.questions import questions_of


def options_of(
    design: SignUpForm, offer: Offer, *, honeypot: str = "", has_captcha: bool = False
) -> dict[str, Any]:
    """Return the options of `digestSignUp` in the active language, as JSON values.

    `honeypot` is the name of the field that people do not see. With a captcha, the form is a frame.
    """
    tag = languages.best_match(get_language() or "")
    page = Page.SIGN_UP_FORM.url(uuid=design.uuid)
    names = {row.pk: row.name for row in offer.newsletters}
    return {
        "action": f"{page}?lang={tag}",
        "frame": f"{page}?framed=1&lang={tag}",
        "styles": "signup.css",
        "language": tag,
        "direction": languages.direction(tag),
        "name": ", ".join(names.values()),
        "captcha": has_captcha,
        "honeypot": honeypot,
        "colours": form_colours(design.publication),
        "design": {
            "key": f"digest-form-{design.uuid}",
            "kind": design.kind,
            "look": design.look,
            "text": design.text,
            "seconds": design.after_seconds,
            "scroll": design.after_scroll,
            "days": design.rest_days,
            "name": design.asks_name,
            "questions": questions_of(offer),
            "newsletters": [
                {"slug": row.slug, "name": row.name, "description": row.description}
                for row in offer.newsletters
            ],
            "topics": [
                {"name": f"topics-{pk}", "newsletter": names[pk], "titles": titles}
                for pk, titles in offer.topics.items()
            ],
        },
        "labels": _labels(design),
    }


def form_colours(publication: Publication) -> dict[str, dict[str, str]]:
    """Return the colours of a form on another site, by day and by night."""
    theme = publication_theme(publication, "ltr")
    return {
        name: {"brand": palette.brand, "onBrand": palette.on_brand, "accent": palette.accent}
        for name, palette in (("day", theme.day), ("night", theme.night))
    }


def accepted() -> str:
    """Say what follows a form that was accepted."""
    return _(
        "Almost done. Check your inbox and click the button in our email to confirm your "
        "subscription."
    )


def _labels(design: SignUpForm) -> dict[str, str]:
    return {
        "heading": design.headline or _("Receive latest news & updates"),
        "email": _("Your email address"),
        "name": _("Your name"),
        "optional": _("optional"),
        "topics": _("Topics"),
        "button": design.button or _("Sign up"),
        "accepted": design.thanks or accepted(),
        "wait": _("One moment …"),
        "trouble": _("Something went wrong. Try again, or use this page:"),
        "choose": _("Choose your newsletters"),
        "close": _("Close"),
    }
