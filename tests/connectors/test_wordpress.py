"""The plugin in a real WordPress, in front of a real Digest: from its settings to a draft issue."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.accounts import tokens
from digest.accounts.models import Token, User
from digest.articles.models import Article
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.browser import chromium_page, in_browser, sign_in
from tests.cast import make_appeal, make_newsletter
from tests.connectors import wordpress_site
from tests.connectors.wordpress_site import WordPressSite
from tests.console.houses import PASSWORD

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.real_clock,  # WordPress has the machine's
    pytest.mark.skipif(bool(wordpress_site.missing()), reason=wordpress_site.missing()),
]
SCOPES = ("newsletters:read", "sources:write", "articles:write", "issues:write")
BLOCKS = "".join(
    f"<!-- wp:digest-newsletter/{kind} /-->" for kind in ("signup", "latest", "popular", "appeal")
)
TEXT = f"<!-- wp:paragraph --><p>The ferry <b>stopped</b>.</p><!-- /wp:paragraph -->{BLOCKS}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPressSite]:
    """One WordPress for this module."""
    with WordPressSite(tmp_path_factory.mktemp("wordpress")) as site:
        yield site


@pytest.fixture
def tide(live_server: LiveServer, settings: Settings) -> Newsletter:
    """A newsletter with an appeal, in a Digest whose address is known."""
    settings.DIGEST_BASE_URL = live_server.url
    newsletter = make_newsletter(slug="tide", name="The Morning Tide")
    make_appeal(newsletter.publication)
    return newsletter


@pytest.fixture
def token(tide: Newsletter) -> str:
    """A token with what the plugin needs, for one publication."""
    ada = User.objects.create_superuser("ada@courier.example", PASSWORD)
    publication_id = tide.publication_id
    return tokens.create("wp", ada, SCOPES, now=clock.now(), publication_id=publication_id)[1]


@pytest.fixture
def connected(
    site: WordPressSite, live_server: LiveServer, tide: Newsletter, token: str
) -> WordPressSite:
    """The site with its settings."""
    options = {
        "address": live_server.url,
        "token": token,
        "publication": tide.publication.slug,
        "newsletter": tide.slug,
        "push": True,
        "types": ["post"],
    }
    set_options(site, options)
    return site


def set_options(site: WordPressSite, options: dict[str, Any]) -> None:
    """Store the plugin's options."""
    text = json.dumps(options)
    site.run(f"update_option( 'digest_newsletter', json_decode( '{text}', true ) );")


def publish(site: WordPressSite, title: str = "Ferry stopped") -> int:
    """Publish a post; return its id."""
    fields = f"'post_title' => '{title}', 'post_content' => '{TEXT}', 'post_status' => 'publish'"
    return int(site.run(f"echo wp_insert_post( array( {fields}, 'tags_input' => 'Harbour' ) );"))


def update(site: WordPressSite, post: int, fields: str) -> None:
    """Change a post."""
    site.run(f"wp_update_post( array( 'ID' => {post}, {fields} ) );")


def problem_of(site: WordPressSite, post: int) -> Any:
    """Why Digest does not have a post; empty if it has."""
    name = "_digest_newsletter_problem"
    return site.run(f"echo json_encode( get_post_meta( {post}, '{name}', true ) );")


def sign_in_to_wordpress(page: Page, site: WordPressSite) -> None:
    """Sign in to WordPress, once its page has moved the focus (a timer of its own does, late)."""
    page.goto(f"{site.url}/wp-login.php")
    page.wait_for_function("document.activeElement.id == 'user_login'")
    page.get_by_label("Username or Email Address").fill(wordpress_site.USER)
    page.get_by_label("Password", exact=True).fill(wordpress_site.PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/**")


def create_token(page: Page, url: str) -> str:
    """Create the token that the page of connections proposes; it is shown once."""
    page.goto(f"{url}/admin/connections/")
    page.locator("#wordpress").get_by_role("link", name="API token").click()
    expect(page.locator("[name=name]")).to_have_value("wordpress")
    page.get_by_role("button", name="Create token").click()
    token = page.get_by_label("Copy the token now").input_value()
    page.goto(f"{url}/admin/api-tokens/")
    assert token not in page.content()
    assert list(Token.objects.get().scopes) == list(SCOPES)
    return token


def test_a_post_is_pushed_corrected_and_retracted(connected: WordPressSite) -> None:
    """In the site's own hooks: publish, edit, trash, publish again, make private, delete."""
    post = publish(connected)
    article = Article.objects.get()
    assert (article.title, article.tags, article.byline) == ("Ferry stopped", ["Harbour"], "ada")
    assert "<b>stopped</b>" in article.body_html
    assert "embed" not in article.body_html  # its own blocks are not part of the text
    assert article.url == f"{connected.url}/?p={post}"
    update(connected, post, "'post_title' => 'Ferry stops'")
    article.refresh_from_db()
    assert (article.title, article.revision) == ("Ferry stops", 2)
    for takedown, publication in (
        ("wp_trash_post( %s );", "wp_untrash_post( %s ); wp_publish_post( %s );"),
        (
            "wp_update_post( array( 'ID' => %s, 'post_status' => 'private' ) );",
            "wp_update_post( array( 'ID' => %s, 'post_status' => 'publish' ) );",
        ),
    ):
        connected.run(takedown.replace("%s", str(post)))
        article.refresh_from_db()
        assert article.retracted_at is not None, takedown
        connected.run(publication.replace("%s", str(post)))
        article.refresh_from_db()
        assert article.retracted_at is None, publication
    connected.run(f"wp_delete_post( {post}, true );")
    article.refresh_from_db()
    assert article.retracted_at is not None
    assert Article.objects.count() == 1
    assert connected.complaints() == []


def test_drafts_and_what_not_everybody_may_read_stay_in_the_site(connected: WordPressSite) -> None:
    """So do other types, and everything while pushing is off."""
    for fields in (
        "'post_status' => 'draft'",
        "'post_status' => 'private'",
        "'post_status' => 'publish', 'post_password' => 'x'",
        "'post_status' => 'publish', 'post_type' => 'page'",
    ):
        connected.run(f"wp_insert_post( array( 'post_title' => 'No', {fields} ) );")
    assert not Article.objects.exists()


def test_a_site_publishes_whatever_digest_does(
    connected: WordPressSite, live_server: LiveServer, token: str
) -> None:
    """The post is there, the reason is shown, and another attempt is planned: until it works."""
    options = connected.run("echo json_encode( get_option( 'digest_newsletter' ) );")
    set_options(connected, options | {"address": "http://127.0.0.1:9"})
    post = publish(connected)
    assert "could not be reached" in problem_of(connected, post)
    planned = f"wp_next_scheduled( 'digest_newsletter_retry', array( {post}, 1 ) )"
    assert 0 < connected.run(f"echo json_encode( {planned} - time() );") <= 60
    set_options(connected, options)
    connected.run(f"do_action( 'digest_newsletter_retry', {post}, 1 );")
    assert problem_of(connected, post) == ""
    assert connected.run(f"echo json_encode( {planned} );") is False
    assert Article.objects.exists()
    tokens.revoke(tokens.get_active("wp"), clock.now())
    other = publish(connected, "Another")
    assert "revoked" in problem_of(connected, other)  # nobody tries again: a person has to act
    assert connected.run(f"echo json_encode( {planned.replace(str(post), str(other))} );") is False


@pytest.mark.parametrize("status", ["publish", "trash"])
def test_a_deleted_post_is_retracted_once_digest_is_there(
    connected: WordPressSite, status: str
) -> None:
    """Nothing of the post is left by then, also where its retraction had waited already."""
    options = connected.run("echo json_encode( get_option( 'digest_newsletter' ) );")
    post = publish(connected)
    article = Article.objects.get()
    set_options(connected, options | {"address": "http://127.0.0.1:9"})
    if status == "trash":
        connected.run(f"wp_trash_post( {post} );")
    connected.run(f"wp_delete_post( {post}, true );")
    planned = f"wp_next_scheduled( 'digest_newsletter_retract', array( {article.pk}, 1 ) )"
    assert 0 < connected.run(f"echo json_encode( {planned} - time() );") <= 60
    set_options(connected, options)
    article.refresh_from_db()
    assert article.retracted_at is None
    connected.run(f"do_action( 'digest_newsletter_retract', {article.pk}, 1 );")
    article.refresh_from_db()
    assert article.retracted_at is not None


def test_a_post_is_sent_as_the_public_sees_it(connected: WordPressSite) -> None:
    """Not as whoever saves it does, to whom a membership plugin shows all; who stays signed in."""
    script = """
    foreach ( array( 'the_content', 'the_title' ) as $hook ) {
        add_filter( $hook, function ( $text ) {
            return is_user_logged_in() ? $text . ' For members.' : $text . ' Join us.';
        } );
    }
    wp_set_current_user( 1 );
    wp_insert_post( array(
        'post_title' => 'Seals', 'post_content' => '<p>Forty.</p>', 'post_status' => 'publish'
    ) );
    echo get_current_user_id();
    """
    assert connected.run(script) == 1
    article = Article.objects.get()
    for text in (article.title, article.body_html, article.summary):
        assert "Join us." in text
        assert "For members" not in text


@in_browser
def test_from_the_console_to_a_draft_issue_and_back(
    site: WordPressSite, live_server: LiveServer, tide: Newsletter
) -> None:
    """Create a token, enter it in WordPress, publish, make an issue of the post; revoke it."""
    User.objects.create_superuser("ada@courier.example", PASSWORD)
    site.run("delete_option( 'digest_newsletter' );")
    with chromium_page(seconds=60, viewport={"width": 1280, "height": 900}) as page:
        sign_in(page, f"{live_server.url}/admin/", "ada@courier.example", PASSWORD)
        token = create_token(page, live_server.url)
        sign_in_to_wordpress(page, site)
        page.goto(f"{site.url}/wp-admin/options-general.php?page=digest-newsletter")
        page.get_by_label("Address of Digest").fill(f"{live_server.url}/")
        page.get_by_label("API token").fill(token)
        page.get_by_role("button", name="Save Changes").click()
        expect(page.get_by_label("Newsletter", exact=True)).to_have_value("tide")
        assert token not in page.content()
        page.get_by_role("button", name="Save Changes").click()
        page.get_by_role("button", name="Check the connection").click()
        expect(page.get_by_text("Connected to Digest with the token “wordpress”.")).to_be_visible()
        expect(page.get_by_text("can use the posts that this site sends")).to_be_visible()
        assert tide.sources.count() == 1
        post = publish(site, "Storm over the harbour")
        page.goto(f"{site.url}/wp-admin/edit.php")
        page.get_by_role("link", name="Storm over the harbour").first.hover()
        page.get_by_role("link", name="Send as an issue").first.click()
        page.get_by_role("button", name="Create draft in Digest").click()
        page.wait_for_url(f"{live_server.url}/admin/issues/*/")
        expect(page.get_by_text("Storm over the harbour").first).to_be_visible()
        issue = Issue.objects.get()
        assert (issue.state, issue.stories.get().title) == ("draft", "Storm over the harbour")
        assert issue.blocks.filter(kind="text").exists()
        assert problem_of(site, post) == ""
        page.goto(f"{live_server.url}/admin/issues/new/{tide.pk}/")
        expect(page.get_by_label("Storm over the harbour")).to_be_visible()
        page.goto(f"{live_server.url}/admin/api-tokens/")
        page.get_by_text("Revoke …").click()
        page.get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_text("wordpress was revoked.")).to_be_visible()
        page.goto(f"{site.url}/wp-admin/options-general.php?page=digest-newsletter")
        page.get_by_role("button", name="Check the connection").click()
        expect(page.get_by_text("it is unknown, revoked or expired").first).to_be_visible()
    assert site.complaints() == []


@in_browser
def test_blocks_show_what_digest_has(connected: WordPressSite, tide: Newsletter) -> None:
    """To visitors in place, without cookies; to editors in a frame."""
    connected.run("update_option( 'show_on_front', 'posts' );")
    first = publish(connected, "Seals return")
    second = publish(connected, "Ferry stopped")
    tide.sources.add(*tide.sources.model.objects.filter(articles__title="Seals return"))
    Article.objects.update(score=0.5)
    with chromium_page(seconds=60) as page:
        page.goto(f"{connected.url}/?p={second}")
        expect(page.get_by_role("region", name="Latest Stories")).to_contain_text("Seals return")
        expect(page.get_by_role("region", name="Popular Articles")).to_be_visible()
        expect(page.get_by_label("Your email address")).to_be_editable()
        expect(page.get_by_role("link", name="Support us")).to_be_visible()
        assert page.context.cookies() == []
        assert first
    with chromium_page(seconds=60) as page:
        page.route("https://s.w.org/**", lambda route: route.fulfill(status=204))  # its welcome
        sign_in_to_wordpress(page, connected)
        page.goto(f"{connected.url}/wp-admin/post.php?post={second}&action=edit")
        page.wait_for_function("window.wp?.data?.select('core/editor')?.getCurrentPost()?.id")
        kinds = page.evaluate(
            "wp.data.select('core/block-editor').getBlocks()"
            ".map((block) => [block.name, block.isValid])"
        )
        own = [[f"digest-newsletter/{kind}", True] for kind in ("signup", "latest", "popular")]
        assert all(block in kinds for block in own), kinds
    assert connected.complaints() == []
