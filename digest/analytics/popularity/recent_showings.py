"""What the totals say of each showing of an article in the mails of the last weeks."""

from datetime import datetime, timedelta

from digest.analytics.popularity import tested_leads
from digest.analytics.popularity.showing import Showing
from digest.core.database.statements import fetch_rows
from digest.issues.models import TrackedLink
from digest.newsletters.models import Publication
from digest.sending.models import SQL_STATES

LOOKED_AT = timedelta(days=30)  # of issues


def showings(publication: Publication, now: datetime) -> list[Showing]:
    """Return the links to articles in a publication's recent mails, with their human clicks.

    Neither links of drafts, of the web version and of stories without room in the mail, nor mails
    in which an experiment showed a story elsewhere.
    """
    since = now - LOOKED_AT
    values: dict[str, int | str | datetime] = {
        "publication": publication.pk,
        "now": now,
        "since": since,
        "half_life": publication.popularity_half_life,
        "kind": TrackedLink.Kind.LINK,
    }
    shares = tested_leads.shown_shares(publication, since)
    rows = [
        (link_id, Showing(*row))
        for link_id, *row in fetch_rows(_SHOWINGS.format(**SQL_STATES), values)
    ]
    return [row._replace(mails=row.mails * shares.get(link_id, 1.0)) for link_id, row in rows]


# One pass over the totals; a click is as old as the middle of its hour. Powers of floats, because
# those of numerics (as `extract` returns them) take ten times as long; and the mails of an
# issue are summed up once, not for each hour of its links.
_SHOWINGS = """
WITH recent AS MATERIALIZED (
    SELECT issue.id, issue.newsletter_id, (
        SELECT coalesce(sum(tally.deliveries), 0) FROM sending_tally AS tally
        WHERE tally.issue_id = issue.id AND tally.state = {sent}
    ) AS delivered
    FROM issues_issue AS issue
    JOIN newsletters_newsletter AS newsletter ON newsletter.id = issue.newsletter_id
    WHERE newsletter.publication_id = %(publication)s AND issue.planned_at > %(since)s
)
SELECT link.id, link.article_id, link.issue_id, recent.newsletter_id, link.position,
    (recent.delivered * coalesce(reach.share, 1))::float,
    coalesce(sum(hour.unique_clicks), 0)::float,
    coalesce(sum(hour.unique_clicks * power(0.5::float, greatest(0, extract(
        epoch FROM %(now)s - hour.hour - interval '30 minutes'
    )::float) / 3600 / %(half_life)s)), 0)::float
FROM recent
JOIN issues_trackedlink AS link ON link.issue_id = recent.id
LEFT JOIN issues_story AS story ON story.id = link.story_id
LEFT JOIN issues_block AS block ON block.id = link.block_id
LEFT JOIN analytics_storyreach AS reach ON reach.story_id = link.story_id
LEFT JOIN analytics_linkhour AS hour ON hour.issue_id = link.issue_id AND hour.link_id = link.id
WHERE link.kind = %(kind)s AND link.article_id IS NOT NULL AND recent.delivered > 0
    AND link.in_mail AND NOT coalesce(story.left_out, false)
    AND block.shown_in IS DISTINCT FROM 'web'
GROUP BY link.id, recent.newsletter_id, recent.delivered, reach.share
"""
