"""What becomes of a document in the database."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from digest.articles import storing
from digest.articles.models import Article, Revision, Sighting, Source
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.storing import StoreResult
from tests.cast import NOON, make_article, make_source

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def entry(number: int = 1, **fields: Any) -> Entry:
    """An entry as cleaning leaves it."""
    fields_of_entry: dict[str, Any] = {
        "guid": f"g{number}",
        "url": f"https://courier.example/{number}",
        "title": f"Story {number}",
        "summary": "It happened.",
        "published_at": NOON - DAY,
    }
    return Entry(**fields_of_entry | fields)


def store(
    source: Source, *entries: Entry, now: datetime = NOON, first_poll: bool = False
) -> StoreResult:
    """Store entries as a feed of that source."""
    return storing.store(source, Document("rss", entries=entries), now, first_poll=first_poll)


@pytest.mark.django_db
def test_a_document_is_stored_whole() -> None:
    """Each entry becomes an article with its first revision and a sighting."""
    source = make_source()
    fields_of_entry = entry(
        body_html="<p>It.</p>", byline="Ada", section="News", tags=("a", "b"), language="en",
        updated_at=NOON, image=Image("https://c.example/a.jpg", "alt", "caption", "credit"),
    )  # fmt: skip
    assert store(source, fields_of_entry, entry(2), first_poll=True) == StoreResult(new=2)
    article = Article.objects.get(title="Story 1")
    assert article.canonical_url == "https://courier.example/1"
    assert (article.image_caption, article.image_credit) == ("caption", "credit")
    assert (article.tags, article.section, article.byline) == (["a", "b"], "News", "Ada")
    assert (article.revision, article.first_seen_at) == (1, NOON)
    revision = article.revisions.get()
    assert (revision.number, revision.title, revision.body_html) == (1, "Story 1", "<p>It.</p>")
    assert article.sightings.get().guid == "g1"


@pytest.mark.django_db
def test_nothing_new_changes_nothing() -> None:
    """The same document again: unchanged, only seen again."""
    source = make_source()
    store(source, entry(1), entry(2))
    assert store(source, entry(1), entry(2), now=NOON + HOUR) == StoreResult(unchanged=2)
    assert Revision.objects.count() == 2
    assert {s.last_seen_at for s in Sighting.objects.all()} == {NOON + HOUR}
    assert {s.first_seen_at for s in Sighting.objects.all()} == {NOON}


@pytest.mark.django_db
def test_a_long_document_costs_few_statements() -> None:
    """Five hundred unchanged articles are looked at in bulk."""
    source = make_source()
    entries = [entry(n) for n in range(500)]
    store(source, *entries)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert store(source, *entries) == StoreResult(unchanged=500)
    assert len(queries) <= 8


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Story 1, corrected"},
        {"summary": "It did not happen."},
        {"body_html": "<p>More.</p>"},
        {"byline": "Ada Marsh"},
        {"image": Image("https://c.example/b.jpg")},
        {"image": Image("https://c.example/a.jpg", credit="Ada")},
    ],
)
def test_a_change_of_content_is_a_revision(change: dict[str, Any]) -> None:
    """Words and picture are content; both versions are kept."""
    source = make_source()
    before = entry(image=Image("https://c.example/a.jpg"))
    store(source, before)
    after = entry(**({"image": before.image} | change))
    assert store(source, after, now=NOON + HOUR) == StoreResult(changed=1)
    article = Article.objects.get()
    assert article.revision == 2
    assert [r.number for r in article.revisions.order_by("number")] == [1, 2]
    assert article.title == after.title
    assert store(source, after, now=NOON + 2 * HOUR) == StoreResult(unchanged=1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tags": ("x",)}, "tags"),
        ({"section": "Sport"}, "section"),
        ({"updated_at": NOON}, "updated_at"),
        ({"published_at": NOON - 2 * HOUR}, "published_at"),
        ({"image": Image("https://c.example/a.jpg?token=2")}, "image_url"),
        ({"url": "https://courier.example/1?utm_source=x"}, "url"),
    ],
)
def test_what_is_no_content_follows_quietly(change: dict[str, Any], field: str) -> None:
    """Dates, tags and signed addresses are kept up to date without a revision."""
    source = make_source()
    store(source, entry(image=Image("https://c.example/a.jpg?token=1")))
    assert store(
        source, entry(**({"image": Image("https://c.example/a.jpg?token=1")} | change))
    ) == StoreResult(unchanged=1)
    article = Article.objects.get()
    assert article.revision == 1
    changed_value = change[field.removesuffix("_url")] if field == "image_url" else change[field]
    expected = (
        changed_value.url
        if isinstance(changed_value, Image)
        else list(changed_value)
        if isinstance(changed_value, tuple)
        else changed_value
    )
    assert getattr(article, field) == expected


@pytest.mark.django_db
def test_an_edited_slug_moves_the_article() -> None:
    """The same guid under a new link is the same article, found there from now on."""
    source = make_source()
    store(source, entry())
    moved = entry(url="https://courier.example/1-corrected")
    assert store(source, moved) == StoreResult(unchanged=1)
    assert Article.objects.get().canonical_url == "https://courier.example/1-corrected"
    assert store(
        make_source(), entry(9, guid="other", url=moved.url, title="Story 1")
    ) == StoreResult(unchanged=1)


@pytest.mark.django_db
def test_unstable_guids_make_one_sighting() -> None:
    """A new guid at every poll replaces the old one in place."""
    source = make_source()
    for number in range(3):
        store(source, entry(guid=f"new-{number}"))
    assert Sighting.objects.get().guid == "new-2"
    assert Article.objects.count() == 1


@pytest.mark.django_db
def test_very_long_guids_are_known_again() -> None:
    """Publishers put whole sentences into guids; they are indexed by hash."""
    source = make_source()
    long = entry(guid="a" * 1990, url="")
    store(source, long)
    assert store(source, long) == StoreResult(unchanged=1)


@pytest.mark.django_db
def test_an_entry_with_neither_guid_nor_link_is_known_again() -> None:
    """Its title is all there is to know it by."""
    source = make_source()
    bare = entry(guid="", url="")
    assert store(source, bare, entry(2, guid="", url="")) == StoreResult(new=2)
    assert store(source, bare) == StoreResult(unchanged=1)


@pytest.mark.django_db
def test_entries_that_share_a_link_stay_apart() -> None:
    """A feed whose items all point at one page has articles all the same, poll after poll."""
    source = make_source()
    live = "https://courier.example/live"
    items = [entry(n, url=live) for n in range(3)]
    assert store(source, *items) == StoreResult(new=3)
    assert store(source, entry(9, url=live), *items[:2], now=NOON + HOUR) == StoreResult(
        new=1, unchanged=2
    )
    assert {a.canonical_url for a in Article.objects.all()} == {""}


@pytest.mark.django_db
def test_the_same_article_in_two_feeds_is_one() -> None:
    """By its link, counters apart; each feed keeps a sighting of its own."""
    first, second = make_source(), make_source()
    store(first, entry())
    changed = entry(7, guid="x", url="http://www.courier.example/1?utm_source=b", title="Story 1")
    assert store(second, changed) == StoreResult(unchanged=1)
    assert Article.objects.get().sightings.count() == 2


@pytest.mark.django_db
def test_two_feeds_do_not_overwrite_each_other_in_turns() -> None:
    """The feed that showed an article first leads; the other only fills in what it lacks."""
    home, other = make_source(), make_source()
    short = entry()
    full = entry(title="Another headline", body_html="<p>All.</p>", byline="Ada")
    store(home, short)
    assert store(other, full, now=NOON + HOUR) == StoreResult(changed=1)
    article = Article.objects.get()
    assert (article.title, article.body_html, article.byline) == ("Story 1", "<p>All.</p>", "Ada")
    for hour in range(2, 5):
        assert store(home, short, now=NOON + hour * HOUR) == StoreResult(unchanged=1)
        assert store(other, full, now=NOON + hour * HOUR) == StoreResult(unchanged=1)
    assert store(home, entry(title="Corrected"), now=NOON + DAY) == StoreResult(changed=1)
    assert Article.objects.get().title == "Corrected"


@pytest.mark.django_db
def test_what_an_only_feed_takes_back_is_gone() -> None:
    """A picture without a licence must not stay with us."""
    source = make_source()
    store(source, entry(image=Image("https://c.example/a.jpg", "alt", "caption", "credit")))
    store(source, entry())
    article = Article.objects.get()
    assert (article.image_url, article.image_caption) == ("", "")


@pytest.mark.parametrize(
    ("published", "first_poll", "moment"),
    [
        (None, True, NOON),
        (None, False, NOON),
        (NOON - HOUR, True, NOON - HOUR),
        (NOON - HOUR, False, NOON),
        (NOON - 6 * DAY, False, NOON),
        (NOON - 8 * DAY, False, NOON - 8 * DAY),
        (NOON - 8 * DAY, True, NOON - 8 * DAY),
        (NOON + HOUR, True, NOON + HOUR),
        (NOON + HOUR, False, NOON + HOUR),
        (NOON, False, NOON),
    ],
)
def test_when_an_article_becomes_available(
    published: datetime | None,
    first_poll: bool,  # noqa: FBT001  a column of the table
    moment: datetime,
) -> None:
    """Late ones count from when they came, old ones keep their date, future ones wait."""
    assert storing.available(published, NOON, first_poll=first_poll) == moment


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second", "available"),
    [
        (NOON + DAY, NOON + 2 * DAY, NOON + 2 * DAY),
        (NOON + 2 * DAY, NOON + DAY, NOON + DAY),
        (NOON + DAY, NOON - HOUR, NOON + HOUR),
        (NOON - HOUR, NOON + DAY, NOON),
        (None, NOON + DAY, NOON),
        (NOON + DAY, None, NOON + DAY),
    ],
)
def test_a_moved_date_moves_what_is_still_to_come(
    first: datetime | None, second: datetime | None, available: datetime
) -> None:
    """A post-dated article follows its date; one that could be seen is never taken away."""
    source = make_source()
    store(source, entry(published_at=first))
    store(source, entry(published_at=second), now=NOON + HOUR)
    assert Article.objects.get().available_at == available


@pytest.mark.django_db
def test_an_editors_word_is_noted() -> None:
    """Marked as updated, with the time."""
    article = make_article()
    storing.mark_updated(article, NOON)
    article.refresh_from_db()
    assert article.marked_updated_at == NOON


@pytest.mark.django_db(transaction=True)
def test_two_pollers_at_once_store_each_article_once() -> None:
    """Whichever loses the race finds what the other has stored, new or changed."""
    sources = [make_source(), make_source()]
    results: list[StoreResult | Exception] = []

    def run(source: Source, entries: list[Entry], barrier: Barrier) -> None:
        barrier.wait()
        try:
            results.append(store(source, *entries))
        except Exception as problem:  # noqa: BLE001  shown by the assertion below
            results.append(problem)
        finally:
            connections.close_all()

    for round_ in range(5):
        results.clear()
        barrier = Barrier(2)
        entries = [entry(round_ * 100 + n) for n in range(40)]
        pollers = [
            Thread(target=run, args=(sources[0], entries, barrier)),
            Thread(target=run, args=(sources[1], entries[::-1], barrier)),
        ]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()
        assert all(isinstance(result, StoreResult) for result in results), results
        assert sum(r.new for r in results if isinstance(r, StoreResult)) == 40
    assert Article.objects.count() == 200
    assert Sighting.objects.count() == 400
    assert Revision.objects.count() == 200


@pytest.mark.django_db
def test_hostile_text_is_stored() -> None:
    """What cleaning lets through, PostgreSQL takes: emoji, right to left, a thousand tags."""
    odd = entry(title="می\u200cروم 🦭", tags=tuple(f"t{n}" for n in range(50)), byline="\u200f")
    assert store(make_source(), odd) == StoreResult(new=1)
    assert Article.objects.get().title == odd.title
