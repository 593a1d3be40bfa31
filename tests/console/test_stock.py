"""What came in: an article's page and a source's, and the buttons on them."""

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry
from digest.articles.models import Article
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Pick, Role
from tests.cast.accounts import browser_of
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_member, make_newsletter, make_publication
from tests.clock import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def seals(tide: Newsletter) -> Article:
    """An article that it carries, in a draft issue beside another one."""
    article = make_article(make_source(tide), title="Seals return")
    issue = make_issue(tide, state=Issue.State.DRAFT, subject="Today")
    make_story(issue, article=article, title=article.title)
    make_story(issue, title="Another")
    return article


def member_browser(newsletter: Newsletter, role: Role) -> Client:
    """The browser of somebody of the newsletter's publication."""
    return browser_of(make_member(newsletter.publication, role))


def press(browser: Client, article: Article, verb: str, **fields: str) -> int:
    """Press a button of an article."""
    return browser.post(f"/admin/article/{article.pk}/{verb}/", fields).status_code


def test_an_article_shows_where_it_went(tide: Newsletter, seals: Article) -> None:
    """Its issues, its source, its times with their zone; a link that is a script leads nowhere."""
    browser = member_browser(tide, Role.ANALYST)
    page = browser.get(f"/admin/article/{seals.pk}/").content.decode()
    assert "Today" in page
    assert "12:00 UTC" in page
    assert f'href="{seals.url}"' in page
    assert "Retract …" not in page
    Article.objects.update(url="javascript:alert(1)")
    assert "javascript:" not in browser.get(f"/admin/article/{seals.pk}/").content.decode()


def test_an_article_is_taken_back(tide: Newsletter, seals: Article) -> None:
    """From issues on the ada_client, and those to come; it is noted who did."""
    assert press(member_browser(tide, Role.EDITOR), seals, "retract", note="Wrong count") == 302
    seals.refresh_from_db()
    assert seals.retracted_at
    assert list(Issue.objects.get().stories.values_list("title", flat=True)) == ["Another"]
    assert AuditEntry.objects.get().action.startswith(
        "retract: Retracted, and removed from 1 upcoming issue."
    )


def test_an_article_goes_out_once_more_or_leads(tide: Newsletter, seals: Article) -> None:
    """At an editor's word."""
    browser = member_browser(tide, Role.EDITOR)
    press(browser, seals, "allow-resending")
    press(browser, seals, "feature", newsletter="tide")
    seals.refresh_from_db()
    assert seals.marked_updated_at
    assert Pick.objects.get().article == seals
    assert press(browser, seals, "feature", newsletter="flood") == 404
    assert press(browser, seals, "nonsense") == 404


def test_one_that_others_have_too_is_apart(tide: Newsletter, seals: Article) -> None:
    """The same link in another publication is another article: retracting one leaves the other."""
    other = make_source(make_newsletter(publication=make_publication()))
    foreign = make_article(other, url=seals.url, canonical_url=seals.canonical_url)
    browser = member_browser(tide, Role.EDITOR)
    for verb in ("allow-resending", "retract"):
        assert press(browser, seals, verb) == 302
        assert press(browser, foreign, verb) == 404
    foreign.refresh_from_db()
    assert (foreign.retracted_at, foreign.marked_updated_at) == (None, None)


def test_what_is_anothers_is_not_there(tide: Newsletter) -> None:
    """Nor can it be touched."""
    other_newsletter = make_newsletter(publication=make_publication())
    source = make_source(other_newsletter)
    article = make_article(source)
    browser = member_browser(tide, Role.OWNER)
    assert browser.get(f"/admin/article/{article.pk}/").status_code == 404
    assert browser.get(f"/admin/source/{source.pk}/").status_code == 404
    assert press(browser, article, "retract") == 404
    assert browser.post(f"/admin/source/{source.pk}/poll/").status_code == 404


def test_a_source_is_looked_at_now(tide: Newsletter) -> None:
    """Its page says what came, or what went wrong, and when."""
    source = make_source(tide, url="http://127.0.0.1:9/feed.xml", title="The feed")
    browser = member_browser(tide, Role.EDITOR)
    page = browser.post(f"/admin/source/{source.pk}/poll/", follow=True).content.decode()
    assert "The feed" in page
    source.refresh_from_db()
    assert source.problem
    assert source.problem[:20] in page
    assert "Last checked" in page
    assert 'href="/admin/newsletter/' in page


def test_lists_lead_to_the_pages(tide: Newsletter, seals: Article) -> None:
    """Of articles, and of sources."""
    browser = member_browser(tide, Role.ANALYST)
    for kind, page in (("articles", f"/admin/article/{seals.pk}/"), ("sources", "/admin/source/")):
        assert page in browser.get(f"/admin/{kind}/").content.decode()


def test_a_source_that_moved_is_shown_until_somebody_says_so(tide: Newsletter) -> None:
    """On Home and on its page; and only to its own publication."""
    source = make_source(tide, title="The feed", moved_at=NOON, moved_stories=3)
    foreign = make_source(make_newsletter(publication=make_publication()), moved_at=NOON)
    browser = member_browser(tide, Role.EDITOR)
    home = browser.get("/admin/").content.decode()
    assert "The feed: 3 stories under new addresses" in home
    assert foreign.url not in home
    page = browser.get(f"/admin/source/{source.pk}/").content.decode()
    assert "3 stories came back under new addresses" in page
    action = "/admin/home/accept-move/"
    assert browser.post(action, {"key": foreign.pk}).status_code == 404
    assert browser.post(action, {"key": source.pk}).status_code == 302
    assert "under new addresses" not in browser.get("/admin/").content.decode()
