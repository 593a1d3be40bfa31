"""What an editor sets up: the Saltmarsh Courier, The Morning Tide, and what belongs to them."""

from datetime import time
from itertools import count
from typing import Any

from digest.accounts.models import User
from digest.newsletters.choices import Approval, BlockKind
from digest.newsletters.models import (
    Appeal,
    LayoutBlock,
    Member,
    Newsletter,
    Publication,
    Role,
    Schedule,
)
from digest.newsletters.signup_forms.models import SignUpForm
from tests.clock import NOON

COURIER = {
    "name": "The Saltmarsh Courier",
    "url": "https://courier.example",
    "postal_address": "1 Quay Street\nSaltmarsh",
    "sender_name": "The Saltmarsh Courier",
    "sender_email": "news@courier.example",
    "timezone": "Europe/London",
}
_numbers = count(1)


def make_publication(**fields: Any) -> Publication:
    """The Saltmarsh Courier."""
    defaults = {
        "slug": f"courier-{next_number()}",
        "tracking": "none",  # links are direct
        "created_at": NOON,
    }
    return Publication.objects.create(**COURIER | defaults | fields)


def make_newsletter(**fields: Any) -> Newsletter:
    """The Morning Tide, active, sent automatically, with lead, latest and appeal; no schedule."""
    slug = fields.pop("slug", f"morning-tide-{next_number()}")
    publication = fields.pop("publication", None) or make_publication()
    defaults = {
        "publication": publication,
        "slug": slug,
        "name": "The Morning Tide",
        "list_id": f"{slug}.courier.example",
        "created_at": NOON,
        "approval": Approval.NONE,
        "review_minutes": 0,
    }
    newsletter = Newsletter.objects.create(**defaults | fields)
    for kind in (BlockKind.LEAD, BlockKind.LATEST, BlockKind.APPEAL):
        make_layout_block(newsletter, kind=kind)
    return newsletter


def make_signup_form(newsletter: Newsletter, **fields: Any) -> SignUpForm:
    """A box for one newsletter, with the texts of every form."""
    defaults = {"name": f"Form {next_number()}", "created_at": NOON, "changed_at": NOON}
    publication = newsletter.publication
    form = SignUpForm.objects.create(publication=publication, **defaults | fields)
    form.newsletters.add(newsletter)
    form.refresh_from_db()
    return form


def make_layout_block(newsletter: Newsletter, **fields: Any) -> LayoutBlock:
    """A block at the end of the newsletter's layout; the latest stories unless told."""
    kind = fields.get("kind", BlockKind.LATEST)
    defaults = {
        "position": newsletter.layout.count(),
        "kind": kind,
        "title": "Latest Stories" if kind == BlockKind.LATEST else "",
    }
    return LayoutBlock.objects.create(newsletter=newsletter, **defaults | fields)


def make_topics(newsletter: Newsletter, *topics: str) -> None:
    """A block for each topic, which is also its title."""
    for topic in topics:
        make_layout_block(newsletter, kind=BlockKind.TOPIC, title=topic, topics=[topic])


def make_schedule(newsletter: Newsletter, **fields: Any) -> Schedule:
    """Every day at seven in London."""
    defaults = {
        "days": list(range(7)),
        "time": time(7, 0),
        "timezone": "Europe/London",
        "since": NOON,
    }
    return Schedule.objects.create(newsletter=newsletter, **defaults | fields)


def make_appeal(publication: Publication, **fields: Any) -> Appeal:
    """A message from the Courier, from noon on."""
    defaults = {
        "heading": "A message from the Courier",
        "body": "We are five people and a boat.\n\nHelp us stay afloat.",
        "button": "Support us",
        "url": "https://courier.example/support",
        "starts_at": NOON,
    }
    return Appeal.objects.create(publication=publication, **defaults | fields)


def make_member(publication: Publication | None, role: str = Role.OWNER, **fields: Any) -> User:
    """Somebody of the newsroom, with a role in a publication, or in all of them."""
    email = fields.pop("email", "eve@courier.example")
    user = User.objects.create_user(email, "x", is_staff=True)
    Member.objects.create(user=user, publication=publication, role=role, created_at=NOON, **fields)
    return user


def newest_publication() -> int:
    """Return the id of the publication that was made last, 0 if there is none."""
    return Publication.objects.order_by("pk").values_list("pk", flat=True).last() or 0


def next_number() -> int:
    """Return a number that no other thing of the cast has."""
    return next(_numbers)
