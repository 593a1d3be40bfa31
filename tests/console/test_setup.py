"""The first run: each step's good and bad ways; nobody makes the first account uninvited."""

import re
import socket
import threading
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts import first_account
from digest.accounts.errors import AccountError
from digest.accounts.models import User
from digest.articles.models import Source
from digest.core import clock, links
from digest.newsletters.models import Newsletter, Publication
from digest.relays import assignment, registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.transports.smtp import parse_address
from digest.rendering.themes.branding import publication_theme
from tests.articles.publisher import DATA, Answer, Publisher
from tests.cast import make_article, make_newsletter, make_publication, make_source, make_subscriber
from tests.cast.texts import SCRIPT
from tests.cli.conftest import digest
from tests.console.forms import COURIER
from tests.smtp_server import SmtpServer

__all__ = ["digest"]
pytestmark = pytest.mark.django_db
ACCOUNT = "/admin/setup/account/"
PASSWORD = "correct-horse-battery"
ADA = {"email": "ada@courier.example", "password": PASSWORD, "password_repeat": PASSWORD}
RSS = (DATA / "rss.xml").read_bytes()


@pytest.fixture
def owner(client: Client) -> Client:
    """The browser of somebody who has an account."""
    client.force_login(User.objects.create_superuser("ada@courier.example", PASSWORD))
    return client


@pytest.fixture
def courier(settings: Settings) -> Publication:
    """A publication, and no relay."""
    settings.DIGEST_SMTP_URL = ""
    return make_publication()


def at(publication: Publication, page: str) -> str:
    """The address of a step."""
    return f"/admin/setup/{publication.pk}/{page}/"


def text(answer: Any) -> str:
    """A page as it is read."""
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def code() -> str:
    """A setup code of now."""
    return first_account.setup_url(clock.now()).partition("code=")[2]


# --- the account ------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/admin/", "/admin/login/", "/admin/setup/"])
def test_a_fresh_installation_leads_to_its_setup(client: Client, address: str) -> None:
    """From wherever somebody comes in first."""
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (302, ACCOUNT)


def test_the_code_makes_the_first_account_and_signs_in(client: Client) -> None:
    """Who has it may do everything, and goes on with the next step."""
    assert "Setup code" not in text(client.get(f"{ACCOUNT}?code={code()}"))
    answer = client.post(ACCOUNT, ADA | {"code": code()}, follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/setup/publication/"
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.is_staff) == ("ada@courier.example", True, True)
    assert user.check_password(PASSWORD)
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("wrong", ["", "x", "another purpose", "yesterday's"])
def test_without_the_code_there_is_no_account(client: Client, wrong: str) -> None:
    """A wrong one, one of another kind, an old one: the page says so and keeps what was typed."""
    now = clock.now()
    codes = {
        "another purpose": links.sign_until("preferences", now + timedelta(days=1)),
        "yesterday's": first_account.setup_url(
            now - first_account.VALID_FOR - timedelta(seconds=2)
        ).partition("code=")[2],
    }
    page = text(client.post(ACCOUNT, ADA | {"code": codes.get(wrong, wrong)}))
    assert 'class="error"' in page
    assert "ada@courier.example" in page
    assert PASSWORD not in page
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"password": "short", "password_repeat": "short"}, "too short"),
        ({"password": "1234567890123", "password_repeat": "1234567890123"}, "entirely numeric"),
        ({"password": "ada@courier", "password_repeat": "ada@courier"}, "too similar"),
        ({"password_repeat": "something else"}, "do not match"),
        ({"email": "ada"}, "not a valid email address"),
    ],
)
def test_a_poor_account_is_refused(client: Client, fields: dict[str, str], message: str) -> None:
    """Django's validators have their say, in the page."""
    assert message in text(client.post(ACCOUNT, ADA | {"code": code()} | fields))
    assert not User.objects.exists()


def test_there_is_no_second_first_account(client: Client) -> None:
    """With somebody there the page is gone, code or not."""
    setup_code = code()
    User.objects.create_user("ben@courier.example", "x")
    assert client.get(f"{ACCOUNT}?code={setup_code}").status_code == 404
    assert client.post(ACCOUNT, ADA | {"code": setup_code}).status_code == 404
    assert User.objects.count() == 1
    with pytest.raises(AccountError, match="already"):
        first_account.create(setup_code, "ada@courier.example", PASSWORD, clock.now())


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_once_one_gets_it() -> None:
    """Twelve browsers with the same code, pressing at the same moment."""
    setup_code, ready, answers = code(), threading.Barrier(12), list[int]()

    def press(number: int) -> None:
        ready.wait(10)
        form = ADA | {"code": setup_code, "email": f"ada{number}@courier.example"}
        answers.append(Client().post(ACCOUNT, form).status_code)
        connections.close_all()

    threads = [threading.Thread(target=press, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert User.objects.count() == 1
    assert answers.count(302) == 1


def test_the_command_prints_the_way_in(digest: Any, client: Client) -> None:
    """While there is nobody the link that makes an account; afterwards where to sign in."""
    url = digest("setup", "--json").json["url"]
    assert urlsplit(url).path == ACCOUNT
    assert client.get(url).status_code == 200
    User.objects.create_superuser("ada@courier.example", PASSWORD)
    result = digest("setup")
    assert result.status == 0
    assert "code=" not in result.out


@pytest.mark.parametrize("page", ["publication", "1/sender", "1/source", "1/newsletter", "1/test"])
def test_a_stranger_sees_no_step(client: Client, page: str) -> None:
    """Once there is an account, one signs in first."""
    User.objects.create_superuser("ada@courier.example", PASSWORD)
    for method in (client.get, client.post):
        assert "/login/" in method(f"/admin/setup/{page}/")["Location"]


# --- the publication --------------------------------------------------------------------


def test_a_publication_is_set_up_and_can_be_changed(owner: Client) -> None:
    """With a sender at its own domain to begin with."""
    answer = owner.post("/admin/setup/publication/", COURIER)
    publication = Publication.objects.get()
    assert answer["Location"] == at(publication, "sender")
    assert (publication.slug, publication.url) == (
        "the-saltmarsh-courier",
        "https://courier.example",
    )
    assert (publication.sender_email, publication.timezone) == (
        "newsletter@courier.example",
        "Europe/Madrid",
    )
    assert publication.postal_address == "1 Quay Street\nSaltmarsh"
    assert publication.tracking == "aggregate"
    changes = {"name": "The Courier", "tracking": "none"}
    owner.post(at(publication, "publication"), COURIER | changes)
    publication.refresh_from_db()
    assert (publication.name, publication.slug) == ("The Courier", "the-saltmarsh-courier")
    assert publication.tracking == "none"
    assert re.search('value="none"[^>]*checked', text(owner.get(at(publication, "publication"))))
    for _ in range(2):  # again after the Back button: the same one
        owner.post("/admin/setup/publication/", COURIER)
    second = Publication.objects.exclude(pk=publication.pk).get()
    assert second.slug == "the-saltmarsh-courier-2"


def test_a_colour_for_dark_mode_is_stored_only_if_chosen(owner: Client) -> None:
    """The one that the form shows at first is none; a chosen one stays when the page is saved."""
    owner.post("/admin/setup/publication/", COURIER | {"accent_dark": "#8ab8e6"})
    publication = Publication.objects.get()
    assert publication.accent_dark == ""
    address = at(publication, "publication")
    for colour in (publication_theme(publication, "ltr").night.brand, "#ffbb99", "#ffbb99"):
        owner.post(address, COURIER | {"accent_dark": colour})
        publication.refresh_from_db()
        assert publication.accent_dark == ("#ffbb99" if colour == "#ffbb99" else "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "  "}, "required"),
        ({"url": "not a site"}, "Enter a web address"),
        ({"logo_url": "ftp://x.example/logo.png"}, "Enter a web address"),
        ({"accent": "red"}, "#1d4e89"),
        ({"postal_address": ""}, "required"),
        ({"timezone": "Mars/Olympus"}, "valid choice"),
        ({"name": f"The{chr(7)}Courier"}, "control character"),
    ],
)
def test_a_publication_that_cannot_be_is_refused(
    owner: Client, fields: dict[str, str], message: str
) -> None:
    """The page says why, keeps the rest, and nothing is made."""
    page = text(owner.post("/admin/setup/publication/", COURIER | fields))
    assert message in page
    assert COURIER["language"] in page
    assert not Publication.objects.exists()


def test_what_is_typed_runs_nothing(owner: Client) -> None:
    """In the page that shows it again, and in those after it."""
    answer = text(owner.post("/admin/setup/publication/", COURIER | {"name": SCRIPT, "url": ""}))
    assert SCRIPT not in answer
    publication = make_publication(name=SCRIPT)
    make_source(make_newsletter(publication=publication, name=SCRIPT), title=SCRIPT)
    for page in ("publication", "sender", "source", "newsletter", "test", "done"):
        assert SCRIPT not in text(owner.get(at(publication, page)))
    assert SCRIPT not in text(owner.get(at(publication, "test"), {"sent": SCRIPT, "reply": SCRIPT}))


# --- the sender and the relay -------------------------------------------------------------

SENDER = {"sender_name": "Courier", "sender_email": "news@courier.example", "relay": "new"}


def own(server: SmtpServer, **more: object) -> dict[str, object]:
    """A relay of one's own, as it is typed."""
    return SENDER | {"host": "127.0.0.1", "port": server.port, "security": "none"} | more


def test_a_relay_that_lets_us_in_is_kept_for_the_senders_domain(
    owner: Client, courier: Publication
) -> None:
    """Asked with user and password; no mail is handed over; its address is sealed."""
    script = {"ehlo": lambda _: "250-test\r\n250 AUTH PLAIN", "auth": _let_in}
    with SmtpServer(script) as server:
        fields = own(server, user="ada@x", password="a/b:c@d e%")
        answer = owner.post(at(courier, "sender"), fields, follow=True)
    assert answer.redirect_chain[-1][0] == at(courier, "sender/checked")
    assert "Connected" in text(answer)
    relay = Relay.objects.get()
    assert (relay.name, relay.sender_domains) == ("127-0-0-1", ["courier.example"])
    address = parse_address(registry.url_of(relay))
    assert (address.user, address.password) == ("ada@x", "a/b:c@d e%")
    assert not server.received
    courier.refresh_from_db()
    assert (courier.sender_name, courier.sender_email) == ("Courier", "news@courier.example")


def _let_in(_: str) -> str:
    return "235 2.7.0 welcome"


def test_a_relay_that_refuses_us_is_not_kept(owner: Client, courier: Publication) -> None:
    """Its own words are shown with what helps, what was typed stays, and nothing has changed."""
    script = {
        "ehlo": lambda _: "250-test\r\n250 AUTH PLAIN",
        "auth": lambda _: "535 5.7.8 Wrong, Ada",
    }
    with SmtpServer(script) as server:
        page = text(owner.post(at(courier, "sender"), own(server, user="ada", password="x")))
    assert "535 5.7.8 Wrong, Ada" in page
    assert "app password" in page
    assert 'value="ada"' in page
    assert not Relay.objects.exists()
    courier.refresh_from_db()
    assert courier.sender_name == "The Saltmarsh Courier"


def test_nobody_there(owner: Client, courier: Publication) -> None:
    """A port where nothing listens, a host that does not exist, no STARTTLS."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = at(courier, "sender")
    answer = text(
        owner.post(page, SENDER | {"host": "127.0.0.1", "port": port, "security": "none"})
    )
    assert "Nothing listens on this port" in answer
    with SmtpServer() as server:
        answer = text(owner.post(page, own(server, security="starttls")))
    assert "Try TLS with port 465" in answer
    assert not Relay.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": ""}, "Enter the host of the mail server"),
        ({"host": "no host/at all"}, "is not a host"),
        ({"port": "70000"}, "65535"),
        ({"sender_email": "news@"}, "not a valid email address"),
        ({"sender_name": ""}, "required"),
        ({"relay": "77"}, "valid choice"),
    ],
)
def test_a_sender_that_cannot_be_is_refused(
    owner: Client, courier: Publication, fields: dict[str, str], message: str
) -> None:
    """Before anybody is asked."""
    with SmtpServer() as server:
        assert message in text(owner.post(at(courier, "sender"), own(server) | fields))
        assert not server.commands
    assert not Relay.objects.exists()


def test_the_mailbox_for_trying_out(
    owner: Client, courier: Publication, settings: Settings
) -> None:
    """A relay whose address names its page is offered as one that keeps all mail, with a link."""
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = f"{server.url}&mailbox=http://localhost:8025/?a=b"
        assert "Stores all mail" in text(owner.get(at(courier, "sender")))
        (relay,) = registry.active_relays()
        answer = owner.post(at(courier, "sender"), SENDER | {"relay": relay.pk}, follow=True)
        assert 'href="http://localhost:8025/?a=b"' in text(answer)
    assert "Connection failed" in text(owner.get(at(courier, "sender/checked")))


def test_one_relay_for_a_domain(settings: Settings) -> None:
    """The chosen one alone carries it; another that was for it alone never carries everybody's."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    (default,) = registry.active_relays()
    first_one = assignment.set_up_relay("one", "smtp://127.0.0.1:2", "a@courier.example")
    relay = registry.add(
        "two", "smtp://127.0.0.1:3", RelayOptions(sender_domains=["courier.example", "b.example"])
    )
    assignment.assign_domain(relay, "a@courier.example")
    assert assignment.relay_for_sender("x@courier.example", registry.active_relays()) == relay
    assignment.assign_domain(default, "a@courier.example")
    assert assignment.relay_for_sender("x@courier.example", registry.active_relays()) == default
    assert assignment.relay_for_sender("x@b.example", registry.active_relays()) == relay
    first_one.refresh_from_db()
    assert (first_one.active, first_one.sender_domains) == (False, ["courier.example"])
    second_relay = assignment.set_up_relay("one", "smtp://127.0.0.1:9", "a@courier.example")
    assert (
        assignment.relay_for_sender("x@courier.example", registry.active_relays()) == second_relay
    )


def test_what_the_domain_says(owner: Client, courier: Publication) -> None:
    """A domain for examples is named as one."""
    assert "reserved for examples" in text(owner.get(at(courier, "sender/domain")))


# --- sources --------------------------------------------------------------------------


def front(*feeds: str) -> bytes:
    """A site that names feeds."""
    links = "".join(
        f'<link rel=alternate type="application/rss+xml" href="{feed}">' for feed in feeds
    )
    return f"<!doctype html><html><head>{links}</head><p>Hello</html>".encode()


def test_a_site_leads_to_its_feed_and_what_came_in_is_shown(
    owner: Client, courier: Publication, publisher: Publisher
) -> None:
    """Found, polled at once, with titles and pictures."""
    publisher.pages |= {"/": front("/feed"), "/feed": RSS}
    page = text(owner.post(at(courier, "source"), {"url": publisher.url()}, follow=True))
    source = Source.objects.get()
    assert source.url == publisher.url("/feed")
    titles = list(source.articles.values_list("title", flat=True))
    assert titles
    assert any(title in page for title in titles)
    assert "<img src=" in page
    assert f"{len(titles)} article" in page


def test_of_several_feeds_one_is_chosen(
    owner: Client, courier: Publication, publisher: Publisher
) -> None:
    """Nothing is kept until then."""
    publisher.pages |= {"/": front("/a", "/b"), "/a": RSS, "/b": RSS}
    page = text(owner.post(at(courier, "source"), {"url": publisher.url()}))
    assert "This site has several feeds" in page
    assert not Source.objects.exists()
    owner.post(at(courier, "source"), {"url": publisher.url(), "chosen": publisher.url("/b")})
    assert [source.url for source in Source.objects.all()] == [publisher.url("/b")]


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (front(), "No feed was found"),
        (Answer(status=500), "500"),
        (b"neither this nor that", "neither a feed nor a web page"),
    ],
)
def test_an_address_that_leads_nowhere(
    owner: Client, courier: Publication, publisher: Publisher, page: Any, message: str
) -> None:
    """The page says so, keeps the address, and nothing is stored."""
    publisher.pages["/"] = page
    answer = text(owner.post(at(courier, "source"), {"url": publisher.url()}))
    assert message in answer
    assert publisher.url() in answer
    assert not Source.objects.exists()


def test_an_address_inside_is_refused(owner: Client, courier: Publication) -> None:
    """What is fetched for an editor is guarded like every fetch."""
    page = text(owner.post(at(courier, "source"), {"url": "http://127.0.0.1:1/"}))
    assert "not on the public internet" in page


def test_a_new_feed_is_polled_with_the_answer_in_which_it_was_found(
    owner: Client, courier: Publication, publisher: Publisher
) -> None:
    """A server that answers once is enough; it is not asked again in the same request."""
    answers = iter([RSS])

    def answer_once(client: Any) -> None:
        body = next(answers, b"")
        client.send_response(200 if body else 503)
        client.send_header("Content-Length", str(len(body)))
        client.end_headers()
        client.wfile.write(body)

    publisher.pages["/feed"] = answer_once
    owner.post(at(courier, "source"), {"url": publisher.url("/feed")})
    source = Source.objects.get()
    assert (source.failures, source.articles.exists()) == (0, True)


def test_a_source_can_be_removed_again(owner: Client, courier: Publication) -> None:
    """One that waits is forgotten; another publication's stays."""
    waiting = make_source(publication_id=courier.pk)
    owner.post(at(courier, "source"), {"remove": waiting.pk})
    assert not Source.objects.exists()
    other_source = make_source(make_newsletter())
    assert owner.post(at(courier, "source"), {"remove": other_source.pk}).status_code == 404
    assert Source.objects.get().newsletters.count() == 1


# --- the newsletter -------------------------------------------------------------------

TIDE = {
    "name": "The Tide",
    "days": ["0", "3"],
    "at": "06:30",
    "timezone": "Europe/London",
    "max_stories": "7",
    "approval": "one",
}


def test_a_newsletter_is_set_up_and_can_be_changed(owner: Client, courier: Publication) -> None:
    """With the sources that waited for it, and a block of the latest."""
    assert owner.get(at(courier, "newsletter"))["Location"] == at(courier, "source")
    source = make_source()
    assert owner.post(at(courier, "newsletter"), TIDE)["Location"] == at(courier, "test")
    newsletter = Newsletter.objects.get()
    assert list(newsletter.sources.all()) == [source]
    assert (newsletter.slug, newsletter.max_stories) == ("the-tide", 7)
    assert [block.kind for block in newsletter.layout.all()] == ["lead", "latest", "appeal"]
    schedule = newsletter.schedule
    assert (schedule.days, f"{schedule.time:%H:%M}") == ([0, 3], "06:30")
    owner.post(at(courier, "newsletter"), TIDE | {"name": "The Ebb", "days": ["5"]})
    newsletter = Newsletter.objects.get()
    assert (newsletter.name, newsletter.slug, newsletter.schedule.days) == (
        "The Ebb",
        "the-tide",
        [5],
    )


def test_a_first_newsletter_asks_before_it_sends(owner: Client, courier: Publication) -> None:
    """Setup explains it and offers the other way; what an owner set up later stays."""
    make_source()
    page = text(owner.get(at(courier, "newsletter")))
    assert "ready 60 minutes before its time" in page
    assert "Send automatically" in page
    owner.post(at(courier, "newsletter"), TIDE)
    newsletter = Newsletter.objects.get()
    assert (newsletter.approval, newsletter.review_minutes) == ("one", 60)
    assert "if it is approved" in text(owner.get(at(courier, "done")))
    owner.post(at(courier, "newsletter"), TIDE | {"approval": "none"})
    newsletter.refresh_from_db()
    assert (newsletter.approval, newsletter.review_minutes) == ("none", 0)
    assert "if it is approved" not in text(owner.get(at(courier, "done")))
    Newsletter.objects.update(approval="other", review_minutes=90)
    owner.post(at(courier, "newsletter"), TIDE | {"approval": "other"})
    newsletter.refresh_from_db()
    assert (newsletter.approval, newsletter.review_minutes) == ("other", 90)


@pytest.mark.parametrize(("articles", "days"), [(6, range(7)), (2, [4])])
def test_the_days_proposed_go_by_how_often_there_is_news(
    owner: Client, courier: Publication, articles: int, days: Any
) -> None:
    """Every day, or Fridays, in the publication's zone."""
    source = make_source()
    for _ in range(articles):
        make_article(source, published_at=clock.now() - timedelta(hours=2))
    form = owner.get(at(courier, "newsletter")).context["form"]
    assert form.initial["days"] == list(days)
    assert form.initial["timezone"] == "Europe/London"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"days": []}, "Choose at least one day"),
        ({"at": "late"}, "valid time"),
        ({"timezone": "Mars/Olympus"}, "valid choice"),
        ({"max_stories": "0"}, "greater than or equal to 1"),
        ({"name": f"The{chr(7)}Tide"}, "control character"),
    ],
)
def test_a_newsletter_that_cannot_be_is_refused(
    owner: Client, courier: Publication, fields: dict[str, Any], message: str
) -> None:
    """The page says why, keeps the rest, and nothing is made."""
    make_source()
    page = text(owner.post(at(courier, "newsletter"), TIDE | fields))
    assert message in page
    assert 'value="06:30"' in page or "at" in fields
    assert not Newsletter.objects.exists()


# --- the test -------------------------------------------------------------------------


@pytest.fixture
def tide(courier: Publication) -> Newsletter:
    """A newsletter with one new article."""
    newsletter = make_newsletter(publication=courier)
    make_article(
        make_source(newsletter), title="Seals!", published_at=clock.now() - timedelta(hours=1)
    )
    return newsletter


def test_the_issue_is_shown_and_a_test_arrives(
    owner: Client, courier: Publication, tide: Newsletter, settings: Settings
) -> None:
    """To the editor's own address, with the relay's words; nobody else gets it."""
    make_subscriber(tide)
    page = text(owner.get(at(courier, "test")))
    assert "Seals!" in page
    assert 'value="ada@courier.example"' in page
    preview = owner.get(at(courier, "test/preview"))
    assert "Seals!" in text(preview)
    assert "sandbox" in preview["Content-Security-Policy"]
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        answer = owner.post(at(courier, "test"), {"to": "ada@courier.example"}, follow=True)
    assert "250 2.0.0 ok" in text(answer)
    assert server.recipients == ["ada@courier.example"]
    mail = message_from_bytes(server.received[0].data, policy=policy.default)
    assert mail["Subject"] == "[Test] Seals!"
    assert "The Morning Tide is ready" in text(owner.get(at(courier, "done")))


def test_the_preview_turns_dark(owner: Client, courier: Publication, tide: Newsletter) -> None:
    """As asked, whatever the screen it is looked at on."""
    media_query = "prefers-color-scheme"
    assert media_query in text(owner.get(at(courier, "test/preview")))
    for scheme in ("light", "dark"):
        assert media_query not in text(owner.get(at(courier, "test/preview"), {"scheme": scheme}))


def test_a_test_that_is_refused_says_so(
    owner: Client, courier: Publication, tide: Newsletter, settings: Settings
) -> None:
    """In the relay's words; a wrong address and no relay are explained too."""
    page = at(courier, "test")
    assert "No mail server is set up" in text(owner.post(page, {"to": "ada@courier.example"}))
    with SmtpServer({"rcpt": lambda _: "550 5.1.1 Nobody"}) as server:
        settings.DIGEST_SMTP_URL = server.url
        assert "550 5.1.1 Nobody" in text(owner.post(page, {"to": "ada@courier.example"}))
        assert "not a valid email address" in text(owner.post(page, {"to": "ada"}))


def test_where_nothing_is_new_an_issue_may_reach_back(owner: Client, courier: Publication) -> None:
    """A site that published last a month ago still gets its first look."""
    newsletter = make_newsletter(publication=courier)
    page = at(courier, "test")
    assert "Check the sources" in text(owner.get(page))
    source = make_source(newsletter)
    make_article(source, title="Old seals", published_at=clock.now() - timedelta(days=30, hours=3))
    assert "Include stories of the last 31 days" in text(owner.get(page))
    assert "Old seals" in text(owner.post(at(courier, "test/widen"), follow=True))


# --- leaving and coming back --------------------------------------------------------------


def test_home_names_the_next_step_left(owner: Client, settings: Settings) -> None:
    """And the setup goes on there, until somebody subscribes."""
    settings.DIGEST_SMTP_URL = ""

    def leads_to(address: str, step: int) -> bool:
        home = text(owner.get("/admin/"))
        step_url = owner.get("/admin/setup/")["Location"]
        return f"Step {step} of 6" in home and f'href="{address}"' in home and step_url == address

    assert leads_to("/admin/setup/publication/", 2)
    courier = make_publication()
    assert leads_to(at(courier, "sender"), 3)
    source = make_source()
    assert leads_to(at(courier, "newsletter"), 5)
    newsletter = make_newsletter(publication=courier)
    newsletter.sources.add(source)
    assert leads_to(at(courier, "test"), 6)
    make_subscriber(newsletter)
    assert "Step 6 of 6" not in text(owner.get("/admin/"))


def test_every_page_stands_under_the_consoles_policy(owner: Client, courier: Publication) -> None:
    """No script stands in a page; forms go home."""
    answer = owner.get(at(courier, "sender"))
    assert "script-src 'self' 'unsafe-eval';" in answer["Content-Security-Policy"]
    assert "<script>" not in text(answer)
    assert "no-store" in answer["Cache-Control"]
