"""What a publisher puts on a site to show a sign-up form."""

from digest.core.links.pages import Page
from digest.newsletters.signup_forms.models import SignUpForm


def script_url(form: SignUpForm) -> str:
    """Return the address of the script that draws a form."""
    return Page.SIGN_UP_FORM_SCRIPT.url(uuid=form.uuid)


def page_url(form: SignUpForm) -> str:
    """Return the address of a form as a page, which also takes what a plain HTML form posts."""
    return Page.SIGN_UP_FORM.url(uuid=form.uuid)


def snippet(form: SignUpForm) -> str:
    """Return the line of HTML that shows a form where it stands."""
    return f'<script async src="{script_url(form)}"></script>'
