"""The past issues in an export: one module for each form that services write them in.

A module's `files_in` names the files of an export that are in its form; `read` yields the past
issues of such a file, and each that stays behind with the reason. Nothing is sanitised yet.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from digest.newsletters.models import Newsletter
from digest.transfers.files import Export
from digest.transfers.issues import buttondown, fetched, ghost, mailchimp, substack
from digest.transfers.issues.content import Choice, Item


class Form(NamedTuple):
    """A form of past issues: the files of an export that are in it, and how one of them is read."""

    files_in: Callable[[Export], list[str]]
    read: Callable[[Export, str, Choice], Iterator[Item]]


FORMS = {
    "fetched": Form(fetched.files_in, fetched.read),
    "mailchimp": Form(mailchimp.files_in, mailchimp.read),
    "substack": Form(substack.files_in, substack.read),
    "ghost": Form(ghost.files_in, ghost.read),
    "buttondown": Form(buttondown.files_in, buttondown.read),
}


def forms_in(export: Export) -> list[str]:
    """Return the forms in which an export has past issues."""
    return [name for name, form in FORMS.items() if form.files_in(export)]


def past_issues(export: Export, newsletter: Newsletter, list_name: str) -> Iterator[Item]:
    """Yield the past issues of an export, and those that stay behind.

    `list_name` is the mailing list that was chosen, where the service has several; "" for all.
    """
    choice = Choice(newsletter, list_name)
    for form in FORMS.values():
        for file in form.files_in(export):
            yield from form.read(export, file, choice)
