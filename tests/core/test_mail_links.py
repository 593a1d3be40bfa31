"""The links of an issue's mails: the same as those that are made one by one."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from digest.core import links
from digest.core.links.mail import MailLinks

rows = st.builds(links.Row, st.integers(0, 2**42), st.uuids(version=4))


@given(rows, rows, rows, st.lists(rows, min_size=1, max_size=3))
def test_links_are_those_that_are_made_one_by_one(
    issue: links.Row, newsletter: links.Row, publication: links.Row, subscribers: list[links.Row]
) -> None:
    """So what reads them, and what is in mails already sent, stays valid."""
    mail_links = MailLinks(issue, newsletter, publication)
    for subscriber in subscribers:
        page, mailto, preferences, message = mail_links.links_of(subscriber)
        assert (page, mailto) == links.ways_out(subscriber, newsletter, issue.pk)
        assert preferences == links.preferences_url(subscriber, publication)
        assert message == links.sign_rows("message-id", issue, subscriber)
        assert mail_links.bounce_token(subscriber) == links.bounce_token(issue, subscriber)
        assert mail_links.clicker_token(subscriber) == links.clicker_token(issue, subscriber)


def test_a_mailto_link_where_mail_is_read(settings: Settings) -> None:
    """With the token of the page."""
    settings.DIGEST_INBOUND_DOMAIN = "in.courier.example"
    issue, newsletter, subscriber = (links.Row(pk, UUID(int=pk)) for pk in (1, 2, 3))
    page, mailto, *_ = MailLinks(issue, newsletter, links.NOBODY).links_of(subscriber)
    assert (page, mailto) == links.ways_out(subscriber, newsletter, 1)
    assert mailto.startswith("mailto:unsubscribe+")


ISSUE, NEWSLETTER, PUBLICATION, SUBSCRIBER = (links.Row(pk, UUID(int=pk)) for pk in (3, 5, 6, 700))


def test_tokens_of_mails_already_sent_still_open(settings: Settings) -> None:
    """These were signed by the release before this one; inboxes are full of them."""
    settings.SECRET_KEY = "the key of an older release"
    unsubscribe = links.read_unsubscribe_token("vAUFA-KXqFW5kINXIXZf3zmBGjxPsg4CaRfPqQ")
    assert unsubscribe[:3] == (700, 5, 3)
    unsubscribe.require(SUBSCRIBER, NEWSLETTER)
    for link in (
        links.read_bounce_token("ao6akgwgdpsjbxogxt5w7kmhnci2x7r25eiw2kxwreka"),
        links.read_clicker_token("A7wFGsYb5JDdxrxvx_9On44RyYZdR6MMeMXD"),
        links.read_rows("message-id", "A7wFGsYb5JDdxrwTK0pRM9WRG7nNCdCjJK5r", count=2),
    ):
        link.require(ISSUE, SUBSCRIBER)
    preferences = links.read_rows("preferences", "vAUGG6e9FdTk0qZmiQ9OpuS75UxpzEGuanyJ", count=2)
    preferences.require(SUBSCRIBER, PUBLICATION)
