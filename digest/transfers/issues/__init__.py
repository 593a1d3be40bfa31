"""The past issues in an export: one module for each form that services write them in.

A module's `read` yields the past issues of an export in its form, and each that stays behind with
the reason; nothing where the export has none in this form. Nothing is sanitised yet.
"""

from collections.abc import Callable, Iterator

from digest.newsletters.models import Newsletter
from digest.transfers.files import Export
from digest.transfers.issues import buttondown, fetched, ghost, mailchimp, substack
from digest.transfers.issues.content import PastContent
from digest.transfers.reporting import LeftIssue

Item = PastContent | LeftIssue
Read = Callable[[Export, Newsletter, str], Iterator[Item]]

FORMS: dict[str, tuple[Callable[[Export], bool], Read]] = {
    "fetched": (fetched.applies, fetched.read),
    "mailchimp": (mailchimp.applies, mailchimp.read),
    "substack": (substack.applies, substack.read),
    "ghost": (ghost.applies, ghost.read),
    "buttondown": (buttondown.applies, buttondown.read),
}


def forms_in(export: Export) -> list[str]:
    """Return the forms in which an export has past issues."""
    return [form for form, (applies, _) in FORMS.items() if applies(export)]


def past_issues(export: Export, newsletter: Newsletter, list_name: str) -> Iterator[Item]:
    """Yield the past issues of an export, and those that stay behind.

    `list_name` is the mailing list that was chosen, where the service has several; "" for all.
    """
    for form in forms_in(export):
        yield from FORMS[form][1](export, newsletter, list_name)
