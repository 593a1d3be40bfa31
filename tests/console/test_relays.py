"""The relays' pages: how each is doing, and what their buttons and forms do."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import AuditEntry, User
from digest.core import clock
from digest.newsletters.models import Member
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_newsletter, make_running
from tests.cast.relays import make_paused_domain
from tests.cast.texts import SCRIPT
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
SECRET = "hunter2-and-more"
URL = f"smtp://ann:{SECRET}@relay.example:587"
FIELDS = {"name": "main", "kind": "smtp", "user": "", "password": "", "until": "1000000"}


@pytest.fixture(autouse=True)
def _alone(settings: Settings) -> None:
    """No relay is named by the environment."""
    settings.DIGEST_SMTP_URL = ""


def press(client: Client, address: str, **form: object) -> str:
    """Press a button; return the page that follows."""
    answer = client.post(f"/admin/relays/{address}/", form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def at(server: SmtpServer, **more: str) -> dict[str, str]:
    """The form's fields for a server of a test."""
    host, _, port = server.url.removeprefix("smtp://").partition("?")[0].partition(":")
    return FIELDS | {"host": host, "port": port.strip("/"), "security": "none"} | more


def test_without_a_relay_it_is_said_what_waits(ada_client: Client) -> None:
    """And how to add one."""
    make_newsletter()
    page = ada_client.get("/admin/relays/").content.decode()
    assert "No mail servers yet, so no mail can be sent" in page
    assert "No mail server is set up for courier.example" in page


def test_a_relay_is_shown_with_its_health_and_limits(ada_client: Client) -> None:
    """Its host, and never its password."""
    slow = registry.start_warming(clock.now().date(), 500, 2.0, 9_000)
    limits = {"gmail.com": 600, "*": 60}
    relay = registry.add(
        "main", URL, RelayOptions(per_minute=1_200, domain_limits=limits, warming=slow)
    )
    now = clock.now()
    Relay.objects.update(down_since=NOON, retry_at=now + timedelta(minutes=4), problem="421 busy")
    make_paused_domain(relay, reason="5.7.1 no")
    page = ada_client.get("/admin/relays/").content.decode()
    for text in (
        "smtp://relay.example:587",
        "Down since Mon 23 Nov 2026, 12:00 UTC",
        "421 busy",
        "tries again in 4 minutes",
        "1,200",
        "gmail.com: 600",
        "other domains: 60",
        "maximum 500 today",
        "wall.example",
        "5.7.1 no",
        "Retry now",
    ):
        assert text in page
    for place in ("/admin/relays/", f"/admin/relays/{relay.pk}/change/"):
        form_page = ada_client.get(place)
        assert SECRET not in form_page.content.decode()
        assert "ann" not in form_page.content.decode().replace("cannot", "")
    assert "no-store" in form_page["Cache-Control"]


def test_a_relay_that_lets_us_in_is_added(ada_client: Client) -> None:
    """Asked first, without mail; kept as it was typed, sealed."""
    with SmtpServer() as server:
        fields = at(server, sender_domains="Courier.example, tide.example", weight="3")
        fields |= {"per_minute": "600", "domain_limits": "gmail.com 600\n* = 60\n"}
        fields |= {"warming": "begin", "start": "500", "growth": "1.5"}
        page = press(ada_client, "add", **fields)
        assert server.received == []
        assert server.connections or server.commands
    assert "main is saved and sends mail" in page
    relay = Relay.objects.get()
    assert (relay.active, relay.weight, relay.per_minute) == (True, 3, 600)
    assert relay.sender_domains == ["courier.example", "tide.example"]
    assert relay.domain_limits == {"gmail.com": 600, "*": 60}
    assert (relay.warming_start, relay.warming_growth) == (500, 1.5)
    assert relay.sealed_url
    assert AuditEntry.objects.get().action == "added a mail server"


def test_a_relay_that_refuses_us_is_kept_switched_off(ada_client: Client) -> None:
    """Its words are shown, as text; no mail goes to it."""
    with SmtpServer({"connect": lambda _: f"554 5.7.1 {SCRIPT}"}) as server:
        page = press(ada_client, "add", **at(server))
    assert "is saved but disabled" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert not Relay.objects.get().active


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": SCRIPT}, "a name has letters"),
        ({"name": "default"}, "that DIGEST_SMTP_URL names"),
        ({"host": ""}, "Enter the host of the mail server"),
        ({"host": "no host/"}, "is not a host"),
        ({"port": "99999999999"}, "less than or equal to 65535"),
        ({"kind": SCRIPT}, "not one of the available choices"),
        ({"kind": "postmark", "host": ""}, "Enter the key."),
        (
            {"kind": "postmark", "key": "a b", "options": "password_file=/etc/passwd"},
            "accepts only the options",
        ),
        ({"kind": "test", "key": "x"}, "not one of the available choices"),
        ({"sender_domains": "no_domain!"}, "is not a domain"),
        ({"domain_limits": "gmail.com many"}, "like gmail.com 600"),
        ({"domain_limits": f"{SCRIPT} 5"}, "is not a domain"),
        ({"weight": "-1"}, "greater than or equal to 0"),
        ({"warming": "begin", "start": "0"}, "begins with 1 or more"),
        ({"password": "\u2026", "user": "ann"}, "only be ASCII"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_kept(
    ada_client: Client, wrong: dict[str, str], message: str
) -> None:
    """No secret comes back with the form."""
    form = FIELDS | {"host": "127.0.0.1", "port": "1", "security": "none", "password": SECRET}
    page = press(ada_client, "add", **(form | wrong))
    assert message in page
    assert SCRIPT not in page
    assert SECRET not in page
    assert not Relay.objects.exists()


def test_a_host_is_all_that_smtp_takes_from_the_form(ada_client: Client) -> None:
    """No option of an address, such as a file to read a password from, slips in by it."""
    page = press(
        ada_client, "add", **(FIELDS | {"host": "x?password_file=/etc/passwd", "port": "1"})
    )
    assert "is not a host" in page


def test_a_name_is_taken_once(ada_client: Client) -> None:
    """The first stays as it is."""
    with SmtpServer() as server:
        press(ada_client, "add", **at(server, weight="7"))
        assert "called main already" in press(ada_client, "add", **at(server))
    assert Relay.objects.get().weight == 7


def test_a_providers_key_is_sealed(ada_client: Client) -> None:
    """In an address that is read again as it was typed."""
    form = FIELDS | {"kind": "postmark", "key": "to/ken", "options": "message_stream=broadcast"}
    press(ada_client, "add", **form)
    url = registry.url_of(Relay.objects.get())
    assert url == "anymail+postmark://to%2Fken@default?message_stream=broadcast"


def test_limits_change_and_the_address_stays(ada_client: Client) -> None:
    """Where none is typed; what is emptied is not a limit any more."""
    slow = registry.start_warming(clock.now().date(), 500, 2.0, 9_000)
    relay = registry.add(
        "main", URL, RelayOptions(per_minute=5, domain_limits={"*": 6}, warming=slow)
    )
    page = ada_client.get(f"/admin/relays/{relay.pk}/change/").content.decode()
    assert "* 6" in page
    form = FIELDS | {"name": "other", "weight": "0", "warming": "end"}
    assert "saved" in press(ada_client, f"{relay.pk}/change", **form)
    relay.refresh_from_db()
    assert (relay.name, relay.weight, relay.per_minute) == ("main", 0, None)
    assert (relay.domain_limits, relay.warming_since) == ({}, None)
    assert registry.url_of(relay) == URL


def test_a_new_address_has_to_let_us_in(ada_client: Client) -> None:
    """Or the old one stays, and so do the limits."""
    relay = registry.add("main", URL, RelayOptions())
    with SmtpServer({"connect": lambda _: "554 5.7.1 go away"}) as server:
        page = press(ada_client, f"{relay.pk}/change", **at(server, weight="9"))
    assert "go away" in page
    assert "Nothing was saved" in page
    relay.refresh_from_db()
    assert (registry.url_of(relay), relay.weight) == (URL, 1)
    with SmtpServer() as server:
        press(ada_client, f"{relay.pk}/change", **at(server))
        relay.refresh_from_db()
        assert registry.describe(relay) == server.url.partition("?")[0]


def test_the_environments_relay_stays_where_it_is(ada_client: Client, settings: Settings) -> None:
    """Its limits may change; its address and itself are not for the page."""
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        (relay,) = registry.all_relays()
        assert b"Set by the operator" in ada_client.get(f"/admin/relays/{relay.pk}/change/").content
        assert "DIGEST_SMTP_URL" in press(ada_client, f"{relay.pk}/change", **at(server))
        press(ada_client, f"{relay.pk}/change", **(FIELDS | {"per_minute": "7"}))
        assert "DIGEST_SMTP_URL names this relay" in press(ada_client, f"{relay.pk}/remove")
    relay.refresh_from_db()
    assert relay.per_minute == 7


def test_a_check_is_a_conversation_without_mail(ada_client: Client) -> None:
    """It says what the relay says, either way."""
    with SmtpServer() as server:
        relay = registry.add("main", server.url, RelayOptions())
        assert "accepts our login" in press(ada_client, f"{relay.pk}/check")
        assert server.received == []
    assert "cannot be used" in press(ada_client, f"{relay.pk}/check")


def test_a_relay_is_switched_off_on_and_forgotten(ada_client: Client) -> None:
    """Each time it is noted who did."""
    relay = registry.add("main", URL, RelayOptions())
    assert "is disabled" in press(ada_client, f"{relay.pk}/pause")
    assert not Relay.objects.get().active
    press(ada_client, f"{relay.pk}/resume")
    assert Relay.objects.get().active
    press(ada_client, f"{relay.pk}/remove")
    assert not Relay.objects.exists()
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["disabled a mail server", "enabled a mail server", "removed a mail server"]


def test_a_domain_is_tried_again(ada_client: Client) -> None:
    """What waits for it is due now."""
    make_running(1)
    Subscriber.objects.update(email="ines@wall.example")
    relay = registry.add("main", URL, RelayOptions())
    now = clock.now()
    wall = domain_pauses.pause_domain(relay, "wall.example", "5.7.1 no", now)
    assert wall
    later = now + timedelta(hours=1)
    Delivery.objects.update(state=2, due_at=later, reply="Held back: wall.example refuses.")
    assert "Due now: 1 message." in press(ada_client, f"domains/{wall.pk}/lift")
    assert Delivery.objects.get().due_at < later
    wall.refresh_from_db()
    assert wall.until <= clock.now()


@pytest.mark.parametrize("act", ["check", "pause", "resume", "remove"])
def test_looking_does_nothing(ada_client: Client, act: str) -> None:
    """Buttons are pressed; what is gone is not there."""
    relay = registry.add("main", URL, RelayOptions())
    assert ada_client.get(f"/admin/relays/{relay.pk}/{act}/").status_code == 405
    assert ada_client.post(f"/admin/relays/{relay.pk + 1}/{act}/").status_code == 404
    assert Relay.objects.get().active


def test_relays_are_for_owners_of_everything(client: Client) -> None:
    """They carry all publications' mail: the owner of one is refused, and shown no way there."""
    newsletter = make_newsletter()
    user = User.objects.create_user("eve@courier.example", "x", is_staff=True)
    member = Member.objects.create(
        user=user, publication=newsletter.publication, role="owner", created_at=NOON
    )
    client.force_login(user)
    assert client.get("/admin/relays/").status_code == 403
    assert b"/admin/relays/" not in client.get("/admin/").content
    member.publication = None
    member.save()
    assert client.get("/admin/relays/").status_code == 200
    assert b"/admin/relays/" in client.get("/admin/").content


def test_what_strangers_wrote_is_text(ada_client: Client) -> None:
    """A relay's last words, and a domain's."""
    relay = registry.add("main", URL, RelayOptions())
    Relay.objects.update(down_since=NOON, problem=SCRIPT)
    make_paused_domain(relay, domain=SCRIPT, reason=SCRIPT)
    answer = ada_client.get("/admin/relays/")
    assert SCRIPT not in answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
