"""Stories under new addresses are not sent again, and different stories stay apart."""

from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import pytest

from digest.articles import cleaning, moves, parsing, storing
from digest.articles.models import Article, Source
from digest.articles.moves import Features
from digest.articles.parsing.base import Document, Entry
from digest.articles.storing import StoreResult
from tests.articles.publisher import CASES
from tests.cast import NOON, make_newsletter, make_source

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXTS = {
    "Seals return to the sand": "Forty of them were counted at dawn.",
    "Ferry goes late on Fridays": "The last boat leaves at ten.",
    "Library lights stay on": "Readers brought soup.",
}


def document(name: str) -> Document:
    """A feed of the cases."""
    return cleaning.cleaned(
        parsing.parse_feed(
            (CASES / "identity" / f"r26-{name}").read_bytes(), "https://old.example/f"
        )
    )


def feed(base: str = "https://old.example/2026", **fields: Any) -> list[Entry]:
    """Three stories of one feed, at links below `base`."""
    return [
        Entry(
            guid=f"{base}/{number}",
            url=f"{base}/{number}",
            title=title,
            published_at=NOON + number * HOUR,
            **{"summary": text} | fields,
        )
        for number, (title, text) in enumerate(TEXTS.items())
    ]


def column(day: int, text: str = "High water at noon.", **fields: Any) -> Entry:
    """A daily column under one title."""
    url = f"https://old.example/tides/{day}"
    entry = Entry(
        guid=url, url=url, title="Tides today", summary=text, published_at=NOON + day * DAY
    )
    return replace(entry, **fields)


def store(source: Source, *entries: Entry, now: datetime = NOON, **options: Any) -> StoreResult:
    """Store entries as a feed of that source."""
    options = {"first_poll": False} | options
    return storing.store(source, Document("rss", entries=entries), now, **options)


@pytest.mark.parametrize(("name", "moved"), [("slash.xml", 0), ("domain.xml", 3)])
def test_a_feed_comes_back_under_other_links(name: str, moved: int) -> None:
    """Each story stays one, and is followed to its new link."""
    source = make_source(url="https://old.example/f")
    for file in ("before.xml", name):
        stored = storing.store(source, document(file), NOON, first_poll=False)
    assert stored == StoreResult(unchanged=3, moved=moved)
    assert set(Article.objects.values_list("revision", flat=True)) == {1}
    links = set(Article.objects.values_list("url", flat=True))
    assert links == {entry.url for entry in document(name).entries}
    assert storing.store(source, document(name), NOON, first_poll=False) == StoreResult(unchanged=3)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="new links and guids"),
        pytest.param({"published_at": None}, id="dates lost"),
        pytest.param({"published_at": NOON + 9 * DAY}, id="dates of the move"),
        pytest.param({"summary": ""}, id="texts lost"),
        pytest.param({"summary": "Read more on our new site."}, id="other teasers"),
    ],
)
@pytest.mark.parametrize("base", ["https://new.example/stories", "https://old.example/?story="])
def test_a_new_system_changes_everything_at_once(change: dict[str, Any], base: str) -> None:
    """On a new domain or the old one: the same stories, beside one that is new."""
    source = make_source()
    store(source, *feed())
    latest = Entry(guid=f"{base}/9", url=f"{base}/9", title="Bridge opens", published_at=NOON + DAY)
    entries = [replace(entry, **change) for entry in feed(base)]
    stored = store(source, latest, *entries, now=NOON + DAY)
    assert (stored.new, stored.moved) == (1, 3)
    assert Article.objects.count() == 4


def test_a_new_system_that_edits_headlines_keeps_texts_and_dates() -> None:
    """A site's name behind each: recognised by the text, also if it is short."""
    source = make_source()
    store(source, *feed())
    entries = [
        replace(entry, title=f"{entry.title} | The Courier") for entry in feed("https://n.example")
    ]
    assert store(source, *entries) == StoreResult(changed=3, moved=3)


def test_long_texts_are_recognised_on_the_same_host_whatever_the_dates() -> None:
    """Where several come back together."""
    source = make_source()
    text = "The harbour board met for five hours on Tuesday and voted to dredge the channel " * 2
    store(source, *feed(summary=text))
    days = [
        replace(entry, summary=f"{text}{n}", published_at=NOON + n * DAY)
        for n, entry in enumerate(feed("https://old.example/x"), 9)
    ]
    assert store(source, *days, now=NOON + 9 * DAY).moved == 3


@pytest.mark.parametrize("text", ["", "The latest.", "All the news of the last hour. " * 9])
def test_a_feed_of_the_latest_bulletin_has_news_every_hour(text: str) -> None:
    """One entry, one title, one teaser."""
    source = make_source()
    for hour in range(4):
        bulletin = column(0, text, guid=f"b{hour}", url=f"https://old.example/bulletin/{hour}")
        bulletin = replace(bulletin, published_at=NOON + hour * HOUR)
        assert store(source, bulletin, now=NOON + hour * HOUR).new == 1


def test_columns_of_two_papers_stay_two() -> None:
    """A new source's forecast is not that of the source beside it."""
    newsletter = make_newsletter()
    store(make_source(newsletter), column(0, ""), *feed())
    other = column(0, "", guid="c", url="https://other.example/tides")
    assert store(make_source(newsletter), other, first_poll=True).new == 1


def test_a_thousand_stories_of_one_title_hold_nobody_up() -> None:
    """Each is compared with those nearest in date, and with its own text."""
    text = " ".join(f"word{n}" for n in range(100))

    def features(number: int, host: str) -> Features:
        moment = NOON + number * DAY
        return Features.of("Tides today", f"{number} {text}", moment, f"https://{host}/{number}")

    entries = {number: features(number, "new.example") for number in range(500)}
    articles = {number: features(number, "old.example") for number in range(1000)}
    start = perf_counter()
    assert moves.recognise(entries, articles, recognised=0) == {n: n for n in range(500)}
    assert perf_counter() - start < 3  # ten times what it takes on a busy machine
    undated = {n: replace(row, published_at=None) for n, row in entries.items()}
    assert moves.recognise(undated, articles, recognised=0) == {n: n for n in range(500)}


def test_a_move_that_the_source_declares_needs_no_more() -> None:
    """A redirect for good, or another site, and other dates."""
    source = make_source()
    store(source, *feed())
    entries = [
        replace(entry, published_at=NOON + 9 * DAY) for entry in feed("https://old.example/b")
    ]
    stored = store(source, *entries, now=NOON + 9 * DAY, has_moved=True)
    assert (stored.new, stored.moved) == (0, 3)


@pytest.mark.parametrize("text", ["High water at noon.", ""])
def test_a_daily_column_is_another_story_every_day(text: str) -> None:
    """Under the same title with the same teaser, alone in its feed or not."""
    alone, beside_others = make_source(), make_source()
    store(beside_others, *feed())
    for day in range(4):
        assert store(alone, column(day, text), now=NOON + day * DAY).new == 1
        url = f"https://courier.example/tides/{day}"
        other = column(day, text, guid=url, url=url)
        assert store(beside_others, other, *feed(), now=NOON + day * DAY).new == 1
    assert Article.objects.filter(title="Tides today").count() == 8


def test_a_feed_of_daily_columns_has_news_every_day() -> None:
    """Three of them, each replaced by the next day's, with teasers that never change."""
    source = make_source()
    for day in range(3):
        columns = [
            column(day, title=title, guid=f"{title}{day}", url=f"https://old.example/{title}/{day}",
                   published_at=NOON + day * DAY + n * HOUR)
            for n, title in enumerate(["Weather", "Tides", "Ferries"])
        ]  # fmt: skip
        assert store(source, *columns, now=NOON + day * DAY).new == 3


def test_a_column_moves_with_its_feed_by_its_dates() -> None:
    """Yesterday's is yesterday's, and today's is new."""
    source = make_source()
    days = [column(1), column(2)]
    store(source, *days, *feed())
    moved = [
        replace(entry, guid=f"n{n}", url=f"https://new.example/{n}")
        for n, entry in enumerate([column(3), *reversed(days), *feed()])
    ]
    stored = store(source, *moved, now=NOON + 3 * DAY)
    assert (stored.new, stored.moved) == (1, 5)
    by_day = Article.objects.filter(title="Tides today").order_by("published_at")
    assert [article.url[-1] for article in by_day] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("url", "text"),
    [("https://old.example/b", "Sun all day, and a light wind."), ("https://old.example/?p=2", "")],
)
def test_different_stories_with_one_headline_stay_two(url: str, text: str) -> None:
    """On one day."""
    source = make_source()
    store(source, column(1, guid="", url="https://old.example/?p=1"), *feed())
    later = column(1, text, guid="", url=url, published_at=NOON + DAY + 3 * HOUR)
    assert store(source, later, *feed(), now=NOON + DAY).new == 1


def test_a_feed_that_was_not_looked_at_for_long_has_news() -> None:
    """Nothing in it is known any more, and a column is under its title again."""
    source = make_source()
    store(source, *feed(), column(1))
    news = [
        Entry(guid=f"n{n}", url=f"https://old.example/n{n}", title=f"News {n}", summary="New.")
        for n in range(9)
    ]
    stored = store(source, *news, column(9), now=NOON + 9 * DAY)
    assert (stored.new, stored.moved) == (10, 0)


def test_a_story_that_is_published_again_is_no_news() -> None:
    """In a feed that did not move: the same title, text and minute under another guid and link."""
    source = make_source()
    seals, *unchanged = feed()
    store(source, seals, *unchanged)
    copied = replace(seals, guid="again", url="https://old.example/again")
    assert store(source, copied, *unchanged) == StoreResult(unchanged=3, moved=1)


def test_a_new_source_brings_stories_that_another_address_had() -> None:
    """An editor who adds the new address instead of the old one sends nothing twice."""
    newsletter = make_newsletter()
    store(make_source(newsletter), *feed())
    Source.objects.all().delete()
    new = make_source(newsletter, url="https://new.example/feed")
    assert store(new, *feed("https://new.example"), first_poll=True).moved == 3
    other_source = make_source(make_newsletter(), url="https://new.example/feed")
    assert store(other_source, *feed("https://new.example"), first_poll=True).new == 3


def test_a_stranger_changes_no_words() -> None:
    """A source that does not own the link's host adds a sighting, whatever the article lacks."""
    newsletter = make_newsletter()
    own = make_source(newsletter, url="https://own.example/feed")
    stranger = make_source(newsletter, url="https://links.example/feed")
    story = Entry(guid="1", url="https://own.example/vote", title="Harbour board votes to dredge")
    bought = replace(story, guid="x", title="CLICK HERE", summary="Bought words.", byline="Eve")
    store(own, story)
    assert store(stranger, bought) == StoreResult(unchanged=1)
    article = Article.objects.get()
    assert (article.title, article.summary, article.byline) == (story.title, "", "")
    assert (article.revision, article.sightings.count()) == (1, 2)


@pytest.mark.parametrize(
    ("own", "stranger", "link"),
    [
        ("https://own.example/feed", "https://links.example/f", "https://own.example/vote"),
        ("https://own.example/feed", "https://links.example/f", "https://news.own.example/vote"),
        ("https://ada.blogs.example/f", "https://eve.blogs.example/f", "https://ada.blogs.example/1"),
        ("https://blogs.example/feed/@ada", "https://blogs.example/feed/@eve", "https://blogs.example/@ada/1"),
        ("https://feeds.example/a", "https://links.example/f", "https://own.example/vote"),
    ],
)  # fmt: skip
def test_the_owner_of_a_link_has_the_last_word(own: str, stranger: str, link: str) -> None:
    """Also where the stranger showed the story first."""
    newsletter = make_newsletter()
    owner = make_source(newsletter, url=own, site_url="" if "feeds" not in own else link)
    other = make_source(newsletter, url=stranger)
    bought = Entry(guid="x", url=link, title="CLICK HERE", summary="Bought words.")
    store(other, bought)
    assert Article.objects.get().title == "CLICK HERE"
    story = Entry(guid="1", url=link, title="Harbour board votes to dredge")
    for _ in range(2):
        store(owner, story)
        store(other, bought)
    article = Article.objects.get()
    assert (article.title, article.summary, article.revision) == (story.title, "", 2)


def test_a_site_that_a_feed_only_claims_is_not_enough() -> None:
    """The feed that is served from there is surer."""
    newsletter = make_newsletter()
    claims = make_source(newsletter, url="https://eve.example/f", site_url="https://own.example")
    own = make_source(newsletter, url="https://own.example/feed")
    for source, title in ((claims, "CLICK HERE"), (own, "Vote"), (claims, "CLICK HERE")):
        store(source, Entry(guid=title, url="https://own.example/vote", title=title))
    assert Article.objects.get().title == "Vote"


def test_a_copy_of_a_story_does_not_move_it() -> None:
    """A new source with the same title, text and minute leads nobody to its own link."""
    newsletter = make_newsletter()
    own = make_source(newsletter, url="https://old.example/feed")
    store(own, *feed())
    moved_entries = feed("https://eve.example")
    eve = make_source(newsletter, url="https://eve.example/feed")
    assert store(eve, *moved_entries, first_poll=True).moved == 3
    assert store(eve, *feed("https://eve.example/again")).moved == 3
    assert not Article.objects.filter(url__contains="eve").exists()
    assert not Article.objects.filter(canonical_url__contains="eve").exists()
    assert store(own, *feed("https://new.example")).moved == 3
    assert Article.objects.filter(url__startswith="https://new.example").count() == 3


def test_a_guid_of_ones_own_takes_no_others_link() -> None:
    """An article that changes its link to another source's becomes no way to its words."""
    newsletter = make_newsletter()
    own = make_source(newsletter, url="https://own.example/feed")
    stranger = make_source(newsletter, url="https://links.example/feed")
    store(own, Entry(guid="1", url="https://own.example/vote", title="Vote"))
    store(stranger, Entry(guid="x", url="https://links.example/1", title="CLICK HERE"))
    assert store(stranger, Entry(guid="x", url="https://own.example/vote", title="CLICK HERE"))
    assert set(Article.objects.values_list("title", flat=True)) == {"Vote", "CLICK HERE"}
    assert Article.objects.get(title="Vote").url == "https://own.example/vote"
