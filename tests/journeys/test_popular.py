"""From clicks on a mail to what is popular: in the next mail, on the site, in the statistics.

The mails go to a real mail server; their links are opened over HTTP, and everything after that is
what the jobs of the workers call.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.analytics import judging, popularity
from digest.analytics.models import IssueTotals
from digest.analytics.recording import RECORDER
from digest.analytics.recording.targets import TARGETS
from digest.articles.models import Article
from digest.issues import building
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter
from digest.sending import planning, sender
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PROOFPOINT = "67.231.144.9"  # a published network of scanners
STORIES = ["Dredging vote", "Ferry timetable", "Oyster blight", "Seal count"]  # in the mail's order
# How many people open each; the ferry is in the second place, so its clicks are worth more.
CLICKS = {"Oyster blight": 9, "Ferry timetable": 6, "Dredging vote": 6}
SUBSCRIBERS = 24


class Time:
    """The clock, which a test moves on."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        """Return the moment that it is."""
        return self.at


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    """Noon, until it is moved on."""
    clock = Time()
    monkeypatch.setattr("digest.core.clock.now", clock.now)
    TARGETS.forget()
    yield clock
    RECORDER.flush()


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with stories, a sponsor and subscribers, whose clicks are counted."""
    publication = make_publication(slug="saltmarsh-courier", tracking="aggregate")
    tide = make_newsletter(publication=publication, slug="morning-tide")
    make_layout_block(tide, kind=BlockKind.SPONSOR)
    source = make_source(tide)
    for minutes, title in enumerate(STORIES):
        url = f"https://courier.example/{title.lower().replace(' ', '-')}"
        at = NOON - timedelta(minutes=10 + minutes)
        make_article(source, title=title, url=url, canonical_url=url, published_at=at)
    sponsor = {"kind": "sponsor", "heading": "Quay Books", "url": "https://quaybooks.example/"}
    make_appeal(publication, **sponsor)
    for _ in range(SUBSCRIBERS):
        make_subscriber(tide)
    return tide


def sent(tide: Newsletter) -> Issue:
    """An issue that went out to all subscribers."""
    issue = building.build(tide, NOON, NOON)
    assert planning.plan_built(NOON) == [issue]
    assert sender.send_due().total == SUBSCRIBERS
    issue.refresh_from_db()
    return issue


def paths_in(server: SmtpServer) -> list[str]:
    """The tracked links of the first mail's HTML, the hidden one included, each once."""
    mail = message_from_bytes(server.received[0].data, policy=default)
    part = mail.get_body(("html",))
    assert part
    clicks = re.findall(r"https?://[^/\s\"]+(/click/[^\s\"<>]+)", unescape(part.get_content()))
    return list(dict.fromkeys(clicks))


def click(client: Client, path: str, address: str) -> str:
    """Open a link from an address; return where it leads."""
    answer = client.get(path, REMOTE_ADDR=address, headers={"User-Agent": FIREFOX})
    return str(answer.get("Location", ""))


def test_what_people_click_is_popular(
    time: Time,
    tide: Newsletter,
    relay: Callable[..., SmtpServer],
    client: Client,
    admin_client: Client,
    settings: Settings,
) -> None:
    """Scanners open every link of some mails; the order is that of people's clicks."""
    server = relay()
    issue = sent(tide)
    paths = paths_in(server)
    time.at += timedelta(seconds=20)
    targets = {path: click(client, path, PROOFPOINT) for path in paths}  # a gateway, all at once
    for number in range(5):  # and unknown ones
        for path in paths:
            click(client, path, f"81.2.{number}.4")
    people_click(client, time, targets)
    assert RECORDER.flush()
    time.at += timedelta(minutes=2)
    judging.judge_due(time.at)
    popularity.refresh_all(time.at)

    totals = IssueTotals.objects.get(issue_id=issue.pk)
    clickers = sum(CLICKS.values()) + 2  # of whom two clicked the sponsor
    assert (totals.clicks, totals.unique_clickers) == (clickers, clickers)
    assert totals.machine_clicks >= 6 * (len(paths) - 1)
    expected = ["Oyster blight", "Ferry timetable", "Dredging vote"]
    scored = Article.objects.filter(score__gt=0).order_by("-score")
    assert [article.title for article in scored] == expected

    assert popular_in_the_next_mail(tide, time.at) == expected
    assert popular_on_the_site(client, settings) == expected
    report = plain(admin_client.get(f"/admin/issues/{issue.pk}/statistics/").text)
    assert f"Delivered {SUBSCRIBERS}" in report
    assert f"People who clicked about {clickers} {clickers} clicks" in report
    sponsor = Appeal.objects.get(kind="sponsor")
    page = plain(admin_client.get(f"/admin/statistics/appeal/{sponsor.pk}/").text)
    assert f"Impressions {SUBSCRIBERS}" in page
    assert "People who clicked about 2 2 clicks" in page
    address = f"/admin/statistics/appeal/{sponsor.pk}/links/"
    link = re.search(r"/report/[\w-]+", admin_client.post(address, follow=True).text)
    assert link
    report = plain(client.get(link[0]).text)  # without an account
    assert f"Impressions {SUBSCRIBERS} People who clicked ≈ 2 Clicks 2" in report


def people_click(client: Client, time: Time, targets: dict[str, str]) -> None:
    """One person after the other opens one link, each from an address of their own."""
    expected_clicks = {
        f"https://courier.example/{t.lower().replace(' ', '-')}": n for t, n in CLICKS.items()
    }
    expected_clicks["https://quaybooks.example/"] = 2
    number = 0
    for path, target in targets.items():
        for _ in range(expected_clicks.pop(target, 0)):
            time.at += timedelta(seconds=40)
            number += 1
            click(client, path, f"82.4.{number}.7")
    assert not expected_clicks, "a link is missing in the mail"


def popular_in_the_next_mail(tide: Newsletter, now: datetime) -> list[str]:
    """The block of another newsletter, whose subscribers have not had these stories."""
    evening = make_newsletter(publication=tide.publication, slug="evening-tide")
    block = make_layout_block(evening, kind=BlockKind.POPULAR, title="Popular", max_stories=3)
    evening.layout.filter(kind=BlockKind.LEAD).delete()
    evening.sources.set(tide.sources.all())
    stories = building.build(evening, now, now).stories.filter(selected_by=block)
    return [story.title for story in stories.order_by("position")]


def popular_on_the_site(client: Client, settings: Settings) -> list[str]:
    """What the line of script on the sample paper's article pages draws."""
    settings.ROOT_URLCONF = "tests.embedded.urls"
    settings.DIGEST_EMBEDDED = True
    page = client.get("/sample/seal-count").text
    address = re.search(r'src="(/embed/[a-z-]+/popular\.js)"', page)
    assert address
    call = re.search(r"^digestEmbed\((.*)\);$", client.get(address[1]).text, re.MULTILINE)
    settings.ROOT_URLCONF = "digest.urls"
    assert call
    return [article["title"] for article in json.loads(call[1])["articles"]]


def plain(page: str) -> str:
    """The text of a page in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
