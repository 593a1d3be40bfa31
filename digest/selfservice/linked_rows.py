"""The rows that a link in a mail names."""

from digest.core import links
from digest.core.errors import LinkGoneError
from digest.core.links.rows import RowsLink
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber


def subscriber_and_newsletter(link: RowsLink) -> tuple[Subscriber, Newsletter]:
    """Return whom and what a link was made for, the newsletter with its publication.

    Raises LinkGoneError if they do not exist any more, or their ids belong to others by now.
    """
    subscriber_id, newsletter_id = link.ids
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    newsletters = Newsletter.objects.select_related("publication")
    newsletter = newsletters.filter(pk=newsletter_id).first()
    if subscriber is None or newsletter is None:
        raise LinkGoneError(links.OUTDATED)
    link.require(subscriber, newsletter)
    return subscriber, newsletter
