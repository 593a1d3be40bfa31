"""Issues outside the schedule, created on the page; and what is uncertain, settled."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from digest.articles.models import Article
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.sending.models import Delivery
from digest.subscribers.segments import saving
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_running
from tests.cast.newsletters import make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.cast.texts import SCRIPT
from tests.clock import LONG_AGO, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with two articles, a topic and two subscribers, one of whom chose it."""
    newsletter = make_newsletter(slug="tide")
    source = make_source(newsletter)
    for title in ("Seals return", SCRIPT):
        make_article(source, title=title)
    make_layout_block(newsletter, title="Coast", kind="topic", topics=["coast"])
    for topics in ([], ["Coast"]):
        subscriber = make_subscriber(newsletter)
        subscriber.subscriptions.update(topics=topics)
    return newsletter


def page_of(newsletter: Newsletter) -> str:
    """Where it is asked what is to be in the issue."""
    return f"/admin/issues/new/{newsletter.pk}/"


def test_the_page_offers_what_came_in(ada_client: Client, tide: Newsletter) -> None:
    """With the number of subscribers, of all and of a topic; names are shown as text."""
    page = ada_client.get(page_of(tide)).content.decode()
    assert "Seals return" in page
    assert SCRIPT not in page
    assert "all 2 subscribers" in page
    assert 'value="Coast"> Coast <span class="muted">1</span>' in page


def test_chosen_stories_come_in_their_order(ada_client: Client, tide: Newsletter) -> None:
    """For those of a topic; pressed twice, there is one issue."""
    ids = list(Article.objects.order_by("pk").values_list("pk", flat=True))
    form = {"key": "k", "what": "chosen", "article": ids[::-1], "topic": ["Coast"]}
    for _ in range(2):
        answer = ada_client.post(page_of(tide), form)
        assert answer["Location"] == f"/admin/issues/{Issue.objects.get().pk}/"
    issue = Issue.objects.get()
    assert [story.article_id for story in issue.stories.all()] == ids[::-1]
    assert issue.only_topics == ["Coast"]


def test_a_form_creates_no_issue_for_others(ada_client: Client, tide: Newsletter) -> None:
    """Back, another audience, and Create: the first issue is not what was asked for."""
    donors = saving.create(tide.publication, "<Donors>", {"rules": []}, NOON)
    article = Article.objects.earliest("pk")
    form = {"key": "k", "what": "chosen", "article": article.pk}
    ada_client.post(page_of(tide), form)
    for audience in ({"segment": donors.pk}, {"topic": ["Coast"]}):
        answer = ada_client.post(page_of(tide), form | audience)
        assert "for other subscribers already" in answer.content.decode()
    assert Issue.objects.get().segment is None
    narrowed = {"key": "other", "segment": donors.pk, "topic": ["Coast"]}
    answer = ada_client.post(page_of(tide), form | narrowed, follow=True)
    page = " ".join(answer.content.decode().split())
    recipients = (
        "1 subscriber of the segment “<bdi>&lt;Donors&gt;</bdi>” who chose <bdi>Coast</bdi>"
    )
    assert f"<strong>{recipients} </strong>" in page  # before it is sent
    assert page.count(recipients) > 1  # and in the header


def test_what_is_new_takes_no_ticks(ada_client: Client, tide: Newsletter) -> None:
    """Whatever was ticked before."""
    seals = Article.objects.earliest("pk")
    Article.objects.exclude(pk=seals.pk).update(title="Terns")
    ada_client.post(page_of(tide), {"key": "k", "what": "new", "article": [seals.pk]})
    assert Issue.objects.get().stories.count() == 2


def test_a_search_keeps_what_was_ticked(ada_client: Client, tide: Newsletter) -> None:
    """It stays on top, ticked; the rest is what was found."""
    seals = Article.objects.get(title="Seals return")
    make_article(make_source(tide), title="Dredging")
    query = urlencode({"q": "dredging", "article": seals.pk})
    page = ada_client.get(f"{page_of(tide)}?{query}").content.decode()
    assert f'value="{seals.pk}" checked' in page
    assert "Dredging" in page
    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") not in page


@pytest.mark.parametrize(
    "form",
    [
        {"what": "chosen"},
        {"what": "chosen", "article": ["x", "9" * 40, "-1"]},
        {"what": "new", "topic": ["Unheard of"]},
    ],
)
def test_rubbish_lays_down_nothing(
    ada_client: Client, tide: Newsletter, form: dict[str, object]
) -> None:
    """It says what is wrong, and the form is there still."""
    answer = ada_client.post(page_of(tide), form)
    assert list(answer.context["messages"])
    assert b"Audience" in answer.content
    assert not Issue.objects.exists()


def test_a_retracted_article_is_not_offered(ada_client: Client, tide: Newsletter) -> None:
    """Nor taken from a form that is older."""
    Article.objects.update(retracted_at=LONG_AGO)
    assert "Seals return" not in ada_client.get(page_of(tide)).content.decode()
    seals = Article.objects.earliest("pk").pk
    answer = ada_client.post(page_of(tide), {"what": "chosen", "article": [seals]})
    assert "was retracted" in " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize(("way", "state"), [("sent", 3), ("again", 0), ("failed", 4)])
@pytest.mark.parametrize("scope", ["one", "all"])
def test_what_is_uncertain_is_settled(ada_client: Client, way: str, state: int, scope: str) -> None:
    """One subscriber's mail, or all of it; whatever is not uncertain stays."""
    issue = make_running(3)
    first, second, third = issue.deliveries.order_by("pk")
    Delivery.objects.filter(pk__in=[first.pk, second.pk]).update(
        state=7, attempts=1, first_attempt_at=NOON, times_uncertain=1, fence=None
    )
    assert first.subscriber
    page = ada_client.get(f"/admin/issues/{issue.pk}/deliveries/?state=uncertain").content.decode()
    assert page.count(">Mark as sent<") == 2
    form = {"way": way} | ({"email": first.subscriber.email} if scope == "one" else {})
    ada_client.post(f"/admin/issues/{issue.pk}/uncertain/", form)
    states = list(issue.deliveries.order_by("pk").values_list("state", flat=True))
    assert states == [state, 7 if scope == "one" else state, third.state]


def test_a_way_that_is_none_settles_nothing(ada_client: Client) -> None:
    """Nor does an address that is none."""
    issue = make_running(1)
    issue.deliveries.update(state=7)
    address = f"/admin/issues/{issue.pk}/uncertain/"
    assert ada_client.post(address, {"way": "guess"}).status_code == 404
    ada_client.post(address, {"way": "sent", "email": "no address"})
    assert issue.deliveries.get().state == 7
