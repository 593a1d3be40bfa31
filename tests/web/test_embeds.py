"""Embeds for other sites: what they list, how they are cached, and what they do not say."""

import json
import re

import pytest
from django.test import Client

from digest.articles.models import Source
from digest.newsletters.models import Newsletter
from digest.subscribers.segments import saving
from tests.cast import NOON, make_appeal, make_article, make_newsletter, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide, with three articles, two of them popular, and one of another site."""
    newsletter = make_newsletter(slug="tide")
    source = make_source(newsletter)
    for hours, (title, score) in enumerate({"Ferry": 0.2, "Seals": 1, "Mill": 0}.items()):
        make_article(source, title=title, score=score, published_at=NOON.replace(hour=11 - hours))
    make_article(make_source(make_newsletter()), title="Elsewhere", score=1)
    return newsletter


def headlines(page: str) -> list[str]:
    """The titles of a frame's articles, in order."""
    return re.findall(r'target="_top" dir="auto">([^<]+)</a>', page)


def options(script: str) -> dict[str, object]:
    """What a script draws."""
    call = re.search(r"^digestEmbed\((.*)\);$", script, re.MULTILINE)
    assert call
    return dict(json.loads(call[1]))


def test_popular_articles_stand_in_the_order_of_their_scores(
    client: Client, newsletter: Newsletter
) -> None:
    """In frame and script; one without a score is not popular, others' articles are not there."""
    page = client.get("/embed/tide/popular").text
    assert "Popular Articles" in page
    assert headlines(page) == ["Seals", "Ferry"]
    script = options(client.get("/embed/tide/popular.js").text)
    assert [row["title"] for row in script["articles"]] == ["Seals", "Ferry"]  # type: ignore[attr-defined]


def test_latest_stories_are_the_newest(client: Client, newsletter: Newsletter) -> None:
    """Retracted ones, those to come and those without an address are left out."""
    source = Source.objects.get(newsletters=newsletter)
    make_article(source, title="Withdrawn", retracted_at=NOON)
    make_article(source, title="Tomorrow", available_at=NOON.replace(day=NOON.day + 1))
    make_article(source, title="Nowhere", url="")
    assert headlines(client.get("/embed/tide/latest").text) == ["Ferry", "Seals", "Mill"]


def test_where_nothing_is_popular_nothing_is_listed(client: Client) -> None:
    """A frame says so; the script draws nothing: the latest stories have an embed of their own."""
    newsletter = make_newsletter(slug="quiet")
    make_article(make_source(newsletter), title="Seals")
    page = client.get("/embed/quiet/popular").text
    assert headlines(page) == []
    assert "Nothing is popular yet." in page
    assert options(client.get("/embed/quiet/popular.js").text)["articles"] == []


def test_the_appeal_is_that_of_the_next_issue(client: Client, newsletter: Newsletter) -> None:
    """Neither a paused one nor a sponsor's; without one, nothing is shown."""
    assert "<section" not in client.get("/embed/tide/appeal").text
    publication = newsletter.publication
    make_appeal(publication, heading="Paused", paused=True)
    make_appeal(publication, heading="Sponsor", kind="sponsor")
    make_appeal(publication, heading="", button="Join", body="One.\n\nTwo.")
    page = client.get("/embed/tide/appeal").text
    assert "A message from The Saltmarsh Courier" in page
    assert headlines(page) == ["Join"]
    assert "Paused" not in page
    assert "Sponsor" not in page
    assert options(client.get("/embed/tide/appeal.js").text)["paragraphs"] == ["One.", "Two."]


def test_an_appeal_for_a_segment_is_not_for_a_site(client: Client, newsletter: Newsletter) -> None:
    """Whoever's turn it is: everybody reads the site. The next one for all is shown."""
    rule = {"field": "tag", "operator": "is", "value": "lapsed"}
    rules = {"rules": [rule]}
    segment = saving.create(newsletter.publication, "Lapsed members", rules, NOON)
    own = {"heading": "Dear lapsed member", "priority": 9, "segment": segment}
    make_appeal(newsletter.publication, **own)
    for path in ("/embed/tide/appeal", "/embed/tide/appeal.js"):
        assert "Dear lapsed member" not in client.get(path).text
    make_appeal(newsletter.publication, heading="Join us")
    assert "Join us" in client.get("/embed/tide/appeal").text


@pytest.mark.parametrize("path", ["/embed/tide/popular", "/embed/tide/latest.js"])
def test_caches_may_hold_an_embed(client: Client, newsletter: Newsletter, path: str) -> None:
    """For minutes, without a cookie; with its ETag it is not sent again until it changes."""
    answer = client.get(path)
    assert "public" in answer["Cache-Control"]
    assert "max-age=300" in answer["Cache-Control"]
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")
    tag = {"If-None-Match": answer["ETag"]}
    assert client.get(path, headers=tag).status_code == 304
    make_article(Source.objects.get(newsletters=newsletter), score=0.9)
    assert client.get(path, headers=tag).status_code == 200


def test_any_site_may_frame_an_embed(client: Client, newsletter: Newsletter) -> None:
    """No script runs in it, and its links open in the whole window."""
    answer = client.get("/embed/tide/latest")
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
    assert answer.text.count("<a ") == answer.text.count('target="_top"')


def test_headlines_are_data_and_never_code(client: Client, newsletter: Newsletter) -> None:
    """In the frame they are escaped; in the script they cannot end its element."""
    source = Source.objects.get(newsletters=newsletter)
    make_article(source, title="</script><b>1</b>", url="javascript:alert(1)", score=1)
    make_article(source, title="</script><b>2</b>", score=1)
    for path in ("/embed/tide/popular", "/embed/tide/popular.js"):
        page = client.get(path).text
        assert "</script>" not in page
        assert "<b>" not in page
        assert "javascript:" not in page


@pytest.mark.parametrize(
    "path", ["/embed/tide/unknown", "/embed/tide/unknown.js", "/embed/no/latest"]
)
def test_there_are_no_other_embeds(client: Client, newsletter: Newsletter, path: str) -> None:
    """Nor of newsletters that do not exist."""
    assert client.get(path).status_code == 404


def test_an_embed_speaks_the_newsletters_language(client: Client) -> None:
    """Whatever the browser prefers, so that one answer is right for all."""
    make_article(make_source(make_newsletter(slug="nl", language="nl")), score=1)
    page = client.get("/embed/nl/popular", headers={"Accept-Language": "de"}).text
    assert '<html lang="nl"' in page
    assert "Populaire artikelen" in page
