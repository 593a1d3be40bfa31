"""The sample paper: its stories come in their time, its feeds and pages hold what they should."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from lxml import etree

from digest.articles import cleaning, parsing
from digest.core.alt_text import is_description
from digest.embedded.sample import feed, paper
from digest.embedded.sample.feed import CONTENT, MEDIA, Item
from tests.cast import NOON

SITE = "http://localhost:8000/sample"


def items(now: datetime = NOON) -> list[Item]:
    """What is out at `now` in a paper set up at noon."""
    return [Item(story, story.appears_at(NOON)) for story in paper.published(NOON, now)]


def test_every_story_is_whole() -> None:
    """Title, text and the rest are there; pictures named exist and are described."""
    assert len(paper.stories()) >= 12
    for story in paper.stories():
        assert story.slug
        assert story.title
        assert story.summary
        assert story.section
        assert story.body.strip()
        assert not story.image or (story.image_alt and paper.image(story.image))


def test_later_stories_come_while_the_paper_runs() -> None:
    """A subscriber of the feed finds something new after some hours."""
    now, later = len(items()), len(items(NOON + timedelta(hours=24)))
    assert 0 < now < later <= len(paper.stories())


def test_the_latest_story_comes_first_and_the_undated_last() -> None:
    """As feeds are written."""
    dates = [item.at for item in items()]
    dated = [at for at in dates if at]
    assert dated == sorted(dated, reverse=True)
    assert dates[: len(dated)] == dated


def test_the_rss_feed_holds_each_story_whole() -> None:
    """Title, text in full, picture with credit, categories and a guid that no port changes."""
    root = etree.fromstring(feed.rss(paper.particulars(), items(), SITE))
    rss_items = root.findall("channel/item")
    assert [node.findtext("title") for node in rss_items] == [item.story.title for item in items()]
    for node, item in zip(rss_items, items(), strict=True):
        assert node.findtext(f"{{{CONTENT}}}encoded") == item.story.body
        assert node.findtext("link") == f"{SITE}/{item.story.slug}"
        assert "8000" not in (node.findtext("guid") or "8000")
        assert (node.find("pubDate") is not None) == bool(item.at)
        picture = node.find(f"{{{MEDIA}}}content")
        assert (picture is not None) == bool(item.story.image)
        if picture is not None:
            assert picture.get("url") == f"{SITE}/images/{item.story.image}"
            assert picture.findtext(f"{{{MEDIA}}}credit") == item.story.image_credit


def test_every_picture_of_the_feed_comes_in_with_its_description() -> None:
    """So that no picture of the first mail has an empty alternative text."""
    document = cleaning.cleaned(
        parsing.parse_feed(feed.rss(paper.particulars(), items(), SITE), f"{SITE}/feed.xml")
    )
    for entry, item in zip(document.entries, items(), strict=True):
        story = item.story
        assert entry.image.alt == story.image_alt
        assert entry.image.caption == story.image_caption
        assert bool(entry.image.url) == bool(story.image)
        assert not story.image or is_description(story.image_alt, story.title)


@pytest.mark.django_db
def test_every_article_page_reads_as_its_story(client: Client, embedded: Path) -> None:
    """Headline, byline, picture and text, without what stands around them."""
    for item in items():
        story = item.story
        body = client.get(f"/sample/{story.slug}").content
        entry = cleaning.cleaned(parsing.parse_page(body, item.url(SITE))).entries[0]
        assert (entry.title, entry.byline) == (story.title, story.byline)
        assert (entry.image.alt, entry.image.caption) == (story.image_alt, story.image_caption)
        paragraphs = [
            paragraph for paragraph in cleaning.text(story.body).split("\n") if paragraph.strip()
        ]
        assert cleaning.text(entry.body_html, figures=False).split("\n") == paragraphs


def test_the_json_feed_holds_the_same() -> None:
    """Ids and texts are those of the RSS feed."""
    document = json.loads(feed.json_feed(paper.particulars(), items(), SITE))
    assert [(item["id"], item["content_html"]) for item in document["items"]] == [
        (item.guid, item.story.body) for item in items()
    ]


@pytest.mark.django_db
def test_the_front_page_leads_with_the_latest_story(client: Client, embedded: Path) -> None:
    """And shows what stands around it."""
    page = client.get("/sample/").text
    assert paper.particulars().name in page
    assert items()[0].story.slug in page.split("</h2>")[0]
    for text in ("popular.js", "Receive latest news", paper.particulars().appeal.heading):
        assert text in page


@pytest.mark.django_db
def test_an_article_page_has_what_a_news_site_shows(client: Client, embedded: Path) -> None:
    """The story, and all that a subscriber of pages has to tell apart from it."""
    story = items()[0].story
    page = client.get(f"/sample/{story.slug}").text
    assert story.body.strip() in page
    assert 'property="og:title"' in page
    for text in ("Receive latest news", "Latest Stories", "About The Saltmarsh"):
        assert text in page
    for name in ("popular.js", "appeal.js", "latest"):
        assert f'src="/embed/morning-tide/{name}"' in page


@pytest.mark.django_db
def test_a_story_of_tomorrow_is_not_there_yet(client: Client, embedded: Path) -> None:
    """Its page comes with it."""
    coming = next(story for story in paper.stories() if (story.hours or 0) > 1)
    assert client.get(f"/sample/{coming.slug}").status_code == 404


@pytest.mark.django_db
def test_the_feed_answers_not_modified_while_nothing_is_new(client: Client, embedded: Path) -> None:
    """Polite pollers send back the ETag."""
    first = client.get("/sample/feed.xml")
    assert first["Content-Type"].startswith("application/rss+xml")
    second = client.get("/sample/feed.xml", headers={"If-None-Match": first["ETag"]})
    assert second.status_code == 304


@pytest.mark.django_db
def test_pictures_may_be_kept_and_others_do_not_exist(client: Client, embedded: Path) -> None:
    """Cache headers on pictures; no way out of the folder."""
    picture = client.get("/sample/images/logo.png")
    assert picture["Content-Type"] == "image/png"
    assert "max-age=86400" in picture["Cache-Control"]
    for name in ("../publication.toml", "%2e%2e%2fpublication.toml", "none.jpg"):
        assert client.get(f"/sample/images/{name}").status_code == 404


@pytest.mark.django_db
def test_the_pages_keep_the_strict_policy(client: Client, embedded: Path) -> None:
    """No inline style or script anywhere on the site; the only scripts are those of embeds."""
    for path in ("/sample/", f"/sample/{items()[0].story.slug}", "/sample/newsletter"):
        answer = client.get(path)
        assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
        scripts = re.findall(r"<script[^>]*>", answer.text)
        names = ("signup", "popular", "appeal")
        embeds = {f'<script async src="/embed/morning-tide/{name}.js">' for name in names}
        assert set(scripts) <= embeds
        assert "style=" not in answer.text


def test_the_sites_colours_are_the_papers() -> None:
    """The style sheet repeats two values of publication.toml."""
    sheet = settings.BASE_DIR / "digest/embedded/static/embedded/sample.css"
    for colour in (paper.particulars().accent, paper.particulars().accent_dark):
        assert colour in sheet.read_text()
