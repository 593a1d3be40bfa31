"""A link to an article in one mail, and how often it was clicked."""

from typing import NamedTuple


class Showing(NamedTuple):
    """An article as one issue showed it. Clicks are human, the first of each visitor."""

    article_id: int
    issue_id: int
    newsletter_id: int
    position: int  # in the mail, from 0
    mails: float  # of the issue that were delivered with it
    clicks: float
    faded_clicks: float  # each multiplied by how much its age leaves of it
