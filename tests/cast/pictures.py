"""Pictures."""

from typing import Any

from digest.newsletters.models import Publication
from digest.pictures.models import Picture
from tests.cast.newsletters import next_number
from tests.clock import NOON


def make_picture(publication: Publication, **fields: Any) -> Picture:
    """A ready picture that was uploaded; its files do not exist."""
    defaults = {
        "sha256": f"{next_number():064x}",
        "format": "jpeg",
        "width": 1200,
        "height": 900,
        "alt": "The harbour at low tide",
        "created_at": NOON,
    }
    return Picture.objects.create(publication_id=publication.pk, **defaults | fields)
