"""What the public pages and mails say of newsletters for members, and of what topics are about."""

import pytest
from django.test import Client

from digest.core import clock, links
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.selfservice import confirmation
from digest.selfservice.topic_previews import headlines_of
from digest.subscribers import attributes, consent, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.segments import saving
from tests.cast import NOON, make_block, make_issue, make_newsletter, make_story, make_subscriber
from tests.cast.newsletters import make_topics
from tests.cast.series import make_series
from tests.web.signing_up import NADIA, confirm_path, letter, path, sign_up

pytestmark = pytest.mark.django_db
JOIN = "https://courier.example/join"


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter for those whose tier is paid, with two topics."""
    newsletter = make_newsletter()
    publication = newsletter.publication
    choices = ["free", "paid"]
    attributes.define(publication, label="Tier", kind="choice", choices=choices, now=NOON)
    rules = {"rules": [{"field": "attribute.tier", "operator": "is", "value": "paid"}]}
    segment = saving.create(publication, "Members", rules, NOON)
    restricting.set_members(newsletter, segment, JOIN)
    make_topics(newsletter, "Harbour", "Culture")
    return newsletter


@pytest.fixture
def nadia(tide: Newsletter) -> Subscriber:
    """A subscriber who is not a member."""
    return make_subscriber(tide, email=NADIA)


def preferences_of(client: Client, subscriber: Subscriber, newsletter: Newsletter) -> str:
    """The page of a subscriber's preferences."""
    address = path(links.preferences_url(subscriber, newsletter.publication))
    return client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/subscribe/{}", "/archive/{}", "/newsletters/{}"])
def test_pages_say_whom_it_is_for(client: Client, tide: Newsletter, address: str) -> None:
    """And lead to where one becomes a member."""
    slug = tide.publication.slug if "newsletters" in address else tide.slug
    page = client.get(address.format(slug)).content.decode()
    assert "This newsletter is for members. You can sign up at any time" in page
    assert f'href="{JOIN}"' in page


def test_preferences_say_whether_it_comes(
    client: Client, tide: Newsletter, nadia: Subscriber
) -> None:
    """To somebody who is a member, and to somebody who is not."""
    assert "once you are a member" in preferences_of(client, nadia, tide)
    profiles.set_attributes(nadia.pk, tide.publication_id, {"tier": "paid"})
    assert "because you are one" in preferences_of(client, nadia, tide)


def test_a_welcome_says_what_has_to_happen_first(client: Client, tide: Newsletter) -> None:
    """Become a member; nothing of an issue that they would not have got is shown."""
    Newsletter.objects.filter(pk=tide.pk).update(welcome_with_latest=True)
    issue = make_issue(tide, state="sent", planned_at=NOON, finished_at=NOON)
    make_story(issue)
    sign_up(client, tide)
    client.post(confirm_path())
    written = letter("welcome").letter
    assert any("once you are a member" in line for line in written.paragraphs)
    assert not written.stories
    subscriber = Subscriber.objects.get()
    profiles.set_attributes(subscriber.pk, tide.publication_id, {"tier": "paid"})
    written = letter("welcome").letter
    assert not any("member" in line for line in written.paragraphs)
    assert written.stories


def test_a_series_leaves_the_welcome_of_who_is_not_a_member_alone(
    client: Client, tide: Newsletter
) -> None:
    """They get none of its mails, so the notice says what has to happen first."""
    make_series(tide)
    sign_up(client, tide)
    client.post(confirm_path())
    assert any("once you are a member" in line for line in letter("welcome").letter.paragraphs)


@pytest.mark.parametrize(
    ("state", "sentence"), [("announced", "not begun"), ("paused", "is paused")]
)
def test_a_welcome_agrees_with_the_pages(client: Client, state: str, sentence: str) -> None:
    """About newsletters that are not sent yet, or for the moment."""
    newsletter = make_newsletter(state=state)
    sign_up(client, newsletter)
    client.post(confirm_path())
    assert any(sentence in line for line in letter("welcome").letter.paragraphs)


def test_a_newsletter_that_has_ended_takes_no_confirmation(
    client: Client, newsletter: Newsletter
) -> None:
    """The link was sent before; the page says so, and nothing changes."""
    sign_up(client, newsletter)
    address = confirm_path()
    Newsletter.objects.filter(pk=newsletter.pk).update(state="closed")
    for page in (client.get(address), client.post(address)):
        assert "This newsletter has ended" in page.content.decode()
    row = Subscription.objects.get()
    assert row.state == Subscription.State.PENDING
    with pytest.raises(SubscriberError, match="has ended"):
        consent.confirm(row.subscriber_id, newsletter.pk, via="page", ip=None, now=clock.now())
    link = confirmation.open_link(address.rpartition("/")[2], clock.now())
    assert confirmation.get_confirmation(link).ended == [newsletter]


def test_topics_show_what_they_were_about(
    client: Client, tide: Newsletter, nadia: Subscriber
) -> None:
    """The latest three headlines, each once; none that was retracted, or for some subscribers."""
    for number in range(5):
        issue = make_issue(
            tide,
            slot=NOON.replace(day=number + 1),
            state="sent",
            planned_at=NOON,
            finished_at=NOON,
        )
        make_story(
            issue, title=f"Quay {number}", topics=["Harbour"], url=f"https://c.example/{number}"
        )
        make_story(issue, title="Film night", topics=["Culture"], url="https://c.example/film")
    make_story(issue, title="Taken back", topics=["Culture"], retracted_at=NOON)
    for block in (make_block(issue, hidden=True), make_block(issue, shown_in="mail")):
        make_story(issue, block=block, title="Not on the web", topics=["Culture"])
    segment = tide.segment
    special = make_issue(tide, state="sent", planned_at=NOON, segment=segment)
    make_story(special, title="For a few", topics=["Culture"])
    page = preferences_of(client, nadia, tide)
    assert '<a href="https://c.example/4">Quay 4</a>' in page
    assert "Quay 1" not in page
    assert "Taken back" not in page
    assert "For a few" not in page
    topics = headlines_of([tide])[tide.pk]
    assert [title for title, _ in topics["Harbour"]] == ["Quay 4", "Quay 3", "Quay 2"]
    assert topics["Culture"] == [("Film night", "https://c.example/film")]
