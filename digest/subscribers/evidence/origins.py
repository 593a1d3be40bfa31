"""Where a sign-up came from: the page with the form, and the campaign that led there."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db import models

from digest.core.text import one_line, web_url

LONGEST_PAGE = 500
LONGEST_CAMPAIGN = 300
LONGEST_VALUE = 80
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


class HasOrigin(models.Model):
    """The origin of a request, as columns."""

    page = models.CharField(  # with the form: scheme, host and path
        max_length=LONGEST_PAGE, db_default="", blank=True
    )
    campaign = models.CharField(  # utm_source=…&utm_medium=…, in this order
        max_length=LONGEST_CAMPAIGN, db_default="", blank=True
    )

    class Meta:
        abstract = True


class Origin(NamedTuple):
    """The page with the form, without its query, and the campaign in that query."""

    page: str = ""
    campaign: str = ""


NOWHERE = Origin()


def read_origin(address: str) -> Origin:
    """Return the origin in the address of a page, as a browser reports it; it may say anything.

    Of the query only the five parameters of a campaign are stored: others may name a person.
    """
    address = web_url(one_line(address, 2_000))
    if not address:
        return NOWHERE
    parts = urlsplit(address)
    pairs = dict(parse_qsl(parts.query, errors="replace"))
    values = {name: one_line(pairs[name], LONGEST_VALUE) for name in CAMPAIGN if pairs.get(name)}
    page = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path or '/'}"
    return Origin(page[:LONGEST_PAGE], urlencode(values)[:LONGEST_CAMPAIGN])
