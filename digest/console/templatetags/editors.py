"""The fields that editors write in, as template tags: rich text, and lines with values."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from digest.core.rich_text import Document, empty, picture_ids, plain_text
from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size

register = template.Library()


class Chip(NamedTuple):
    """A value that a click inserts: the Jinja that is stored, and what an editor sees."""

    source: str
    label: str


CHIPS = (
    Chip("stories[0].title", "Lead headline"),
    Chip("stories[1].title", "Second headline"),
    Chip("stories[1:] | map(attribute='title') | join(' · ')", "Other headlines"),
    Chip("stories | length", "Number of stories"),
    Chip("issue.date", "Date"),
    Chip("newsletter.name", "Newsletter name"),
    Chip("publication.name", "Publication name"),
)
_LONGEST = {"subject": 70, "preheader": 100}  # characters that some phones still show
_HINTS = {
    "subject": "phones show about 40 to 70 of a subject",
    "preheader": "phones show about 40 to 100 of a preview text, behind the subject",
}


@register.simple_tag
def rich_text(
    name: str,
    document: Document | None = None,
    *,
    label: str = "Text",
    id: str = "",  # noqa: A002  as in HTML
    publication: int | None = None,
    placeholder: str = "",
    help: str = "",  # noqa: A002  as in forms
    error: str = "",
    disabled: bool = False,
) -> SafeString:
    """Return an editor for a rich text document, sent as JSON in the field `name`.

    `publication` is the id of the publication whose pictures are shown and can be added. Without
    JavaScript the field is plain text: read it with `rich_text.from_field`.
    """
    document = document or empty()
    field_id = id or f"id_{name}"
    values = {
        "name": name,
        "id": field_id,
        "label": label,
        "json": json.dumps(document, separators=(",", ":"), ensure_ascii=False),
        "text": plain_text(document),
        "publication": publication or "",
        "pictures": json.dumps(_picture_addresses(document, publication)),
        "placeholder": placeholder,
        "help": help,
        "error": error,
        "disabled": disabled,
    }
    values["describedby"] = _described_by(field_id, "help", values)
    return render_to_string("console/components/rich_text.html", values)


@register.simple_tag
def template_field(
    field: BoundField | None = None,
    *,
    name: str = "",
    value: str = "",
    label: str = "",
    kind: str = "subject",
    example: str = "",
    usual: str = "",
    placeholder: str = "",
    help: str = "",  # noqa: A002  as in forms
    error: str = "",
    disabled: bool = False,
) -> SafeString:
    """Return a line of text with values to insert, stored as Jinja, and a live example of it.

    Of a form's `field` come name, value, label, help and errors. `kind` is `subject` or
    `preheader`; `example` is the address that renders an example (`newsletter-example`); `usual` is
    the template that applies while the field is empty.
    """
    values = {
        "name": name,
        "id": f"id_{name}",
        "value": value,
        "label": label,
        "help": help,
        "error": error,
    } | (_values_of(field) if field is not None else {})
    values |= {
        "chips": json.dumps([chip._asdict() for chip in CHIPS]),
        "example": example,
        "usual": usual,
        "placeholder": placeholder,
        "hint": _HINTS.get(kind, ""),
        "longest": str(_LONGEST.get(kind, 70)),
        "describedby": _described_by(values["id"], "helptext", values),
    }
    context_values = {**values, "disabled": disabled}
    return render_to_string("console/components/template_field.html", context_values)


def _picture_addresses(document: Document, publication: int | None) -> dict[str, str]:
    """Return the addresses of the pictures in a document that are the publication's, by uuid."""
    uuids = picture_ids(document)
    if publication is None or not uuids:
        return {}
    rows = Picture.objects.filter(publication_id=publication, uuid__in=uuids)
    ready = (picture for picture in rows if picture.is_ready)
    return {str(picture.uuid): rendition_of(picture, Size.WIDE).url for picture in ready}


def _values_of(field: BoundField) -> dict[str, str]:
    """Return what a form's field says of itself."""
    return {
        "name": field.html_name,
        "id": field.id_for_label,
        "value": " ".join((field.value() or "").splitlines()),
        "label": str(field.label),
        "help": str(field.help_text),
        "error": " ".join(map(str, field.errors)),
    }


def _described_by(field_id: str, help_suffix: str, values: Mapping[str, object]) -> str:
    """Return the ids of what explains a field, for aria-describedby."""
    suffixes = ["error" if values["error"] else "", help_suffix if values["help"] else ""]
    return " ".join(f"{field_id}_{suffix}" for suffix in suffixes if suffix)
