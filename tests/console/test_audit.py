"""The audit log: every action of the console is in it, and so are sign-ins and accounts."""

import ast
from collections.abc import Iterator
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from django.utils.html import escape

from digest import console
from digest.accounts import first_account, tokens
from digest.accounts.models import AuditEntry, User
from digest.accounts.scopes import Scope
from digest.core import clock
from digest.newsletters import invitations
from digest.newsletters.members import MemberRole
from digest.newsletters.models import Member, Newsletter, Publication, Role
from digest.notices import content
from digest.notices.models import Notice
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_member, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.console.forms import COURIER
from tests.console.houses import PASSWORD

pytestmark = pytest.mark.django_db
POST_DECORATORS = {
    "action_view",
    "form_view",
    "get_or_post",
    "require_POST",
    "require_http_methods",
}
# The last two: issues.actions, programs.adding.
RECORDING = {
    *("record_action", "record_for_publications", "record", "run_and_record", "remove_row"),
}


@pytest.fixture(autouse=True)
def no_failures_counted() -> Iterator[None]:
    """Let the limits of sign-ins and resets begin at nothing."""
    cache.clear()
    yield
    cache.clear()


def actions() -> list[str]:
    """The recorded actions, in order."""
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# --- no action is forgotten ------------------------------------------------------------


def views_taking_posts() -> Iterator[tuple[str, str, dict[str, ast.FunctionDef]]]:
    """Yield each view that takes a POST: its module, its name, the module's functions."""
    for path in sorted(Path(console.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for name, node in functions.items():
            if set().union(*map(_names_in, node.decorator_list)) & POST_DECORATORS:
                yield path.stem, name, functions


def _names_in(node: ast.AST) -> set[str]:
    return {
        child.id if isinstance(child, ast.Name) else child.attr
        for child in ast.walk(node)
        if isinstance(child, ast.Name | ast.Attribute)
    }


def records(name: str, functions: dict[str, ast.FunctionDef], visited: frozenset[str]) -> bool:
    """Say whether a function records an action, itself or in a function of its module."""
    names = _names_in(functions[name])
    following = (names & functions.keys()) - visited
    return bool(names & RECORDING) or any(
        records(called, functions, visited | following) for called in following
    )


# They say how a form would look, what stands at an address in it, or whom rules select; nothing is
# stored.
ANSWER_ALONE = {
    *("previews.draft", "design.draft", "design.first_draft", "design.of_newsletter"),
    *("layout.fetch_link", "segments.preview"),
}
# They prepare a change of many subscribers, which nobody sees but its editor; what is done is
# recorded.
DRAFTS = {"changes.select", "changes.change", "changes.discard"}


def test_every_action_of_the_console_is_recorded() -> None:
    """A new view that takes a POST and leaves no audit entry fails here."""
    views = list(views_taking_posts())
    assert len(views) >= 40
    silent = {
        f"{module}.{name}"
        for module, name, functions in views
        if not records(name, functions, frozenset({name}))
    }
    assert silent == ANSWER_ALONE | DRAFTS


def test_a_view_that_records_nothing_is_found() -> None:
    """The search above can fail."""
    tree = ast.parse("def act(request):\n    step()\ndef step():\n    pass\n")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not records("act", functions, frozenset({"act"}))


# --- sign-ins --------------------------------------------------------------------------


def sign_in(email: str, password: str) -> Client:
    """Fill in the form."""
    client = Client()
    client.post("/admin/account/login/", {"login": email, "password": password})
    return client


def test_sign_ins_are_recorded_good_and_bad(ada: User) -> None:
    """With the address that was typed and where from; a stranger is nobody's account."""
    sign_in(ada.email, "wrong-horse-battery")
    sign_in("nobody@courier.example", PASSWORD)
    browser = sign_in(ada.email, PASSWORD)
    browser.post("/admin/account/logout/")
    entries = list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "user", "ip"))
    assert entries == [
        (ada.email, "failed to sign in", None, "127.0.0.1"),
        ("nobody@courier.example", "failed to sign in", None, "127.0.0.1"),
        (ada.email, "signed in", ada.pk, "127.0.0.1"),
        (ada.email, "signed out", ada.pk, "127.0.0.1"),
    ]
    assert "wrong-horse" not in str(list(AuditEntry.objects.values()))


def test_a_wrong_second_factor_is_recorded(ada: User) -> None:
    """The password was right: somebody may have it who should not."""
    TOTP.activate(ada, generate_totp_secret())
    browser = sign_in(ada.email, PASSWORD)
    assert actions() == []  # not yet signed in
    browser.post("/admin/account/2fa/authenticate/", {"code": "000000"})
    assert actions() == ["failed the second factor"]
    assert AuditEntry.objects.get().user == ada


def test_changed_and_reset_passwords_are_recorded(ada: User) -> None:
    """Who, and not to what."""
    make_publication()
    browser, new = sign_in(ada.email, PASSWORD), "another-horse-battery"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    browser.post("/admin/account/password/change/", form)
    assert actions()[-1] == "changed the password"
    Client().post("/admin/account/password/reset/", {"email": ada.email})
    written = content.write_letter(Notice.objects.filter(kind="account").latest("pk"), clock.now())
    assert written
    (link,) = written.links.values()
    page = (visitor := Client()).get(link.removeprefix("https://digest.example"), follow=True)
    visitor.post(page.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    assert actions()[-1] == "reset the password"
    assert "horse" not in str(list(AuditEntry.objects.values()))


def test_invitations_are_recorded_to_their_end(ada_client: Client, ada: User) -> None:
    """Invited, and accepted by the person who is a member now."""
    role = MemberRole(Role.EDITOR, make_publication())
    invitation = invitations.invite("ben@courier.example", role, ada, NOON)
    path = invitations.accept_url(invitation).removeprefix("https://digest.example")
    Client().post(path, {"password": PASSWORD})
    entry = AuditEntry.objects.get(action__startswith="accepted")
    assert (entry.actor, entry.publication_id) == ("ben@courier.example", role.publication.pk)  # type: ignore[union-attr]
    assert "signed in" in actions()


# --- what else is to be found ----------------------------------------------------------


def test_the_first_account_is_recorded() -> None:
    """The log begins with it."""
    code = first_account.setup_url(NOON).partition("code=")[2]
    form = {"code": code, "email": "ada@courier.example", "password": PASSWORD}
    Client().post("/admin/setup/account/", form | {"password_repeat": PASSWORD})
    assert User.objects.exists()
    assert actions() == ["created the first account"]


def test_steps_of_the_setup_are_recorded(ada_client: Client) -> None:
    """The publication and the newsletter; what failed is not."""
    ada_client.post("/admin/setup/publication/", COURIER | {"name": ""})
    assert actions() == []
    ada_client.post("/admin/setup/publication/", COURIER)
    publication = Publication.objects.get()
    source = make_source()
    make_article(source)
    ada_client.post(
        f"/admin/setup/{publication.pk}/newsletter/",
        {
            "name": "Tide",
            "days": [0, 1],
            "at": "07:00",
            "timezone": "UTC",
            "max_stories": 10,
            "approval": "one",
        },
    )
    newsletter = Newsletter.objects.get()
    ada_client.post(f"/admin/setup/{publication.pk}/source/", {"remove": source.pk})
    assert actions() == ["set up a publication", "added the newsletter", "removed a source"]
    assert newsletter.schedule.time == time_of_day(7)


def test_schedules_and_sources_are_recorded(ada_client: Client) -> None:
    """Of a newsletter's page: each card by its name."""
    newsletter = make_newsletter()
    source = make_source(newsletter)
    path = f"/admin/newsletter/{newsletter.pk}"
    ada_client.post(f"{path}/schedule/", {"schedule-way": "manual", "schedule-timezone": "UTC"})
    ada_client.post(f"{path}/sources/", {"sources-sources": [source.pk]})
    assert actions() == ["changed the newsletter: schedule", "changed the newsletter: sources"]
    assert set(AuditEntry.objects.values_list("publication_id", flat=True)) == {
        newsletter.publication_id
    }


def test_exports_are_recorded_on_every_way_out(ada_client: Client, ada: User) -> None:
    """Console and API; reading one subscriber by API is not an export."""
    subscriber = make_subscriber(make_newsletter())
    ada_client.get(f"/admin/subscribers/{subscriber.pk}/export/")
    _, secret = tokens.create("robot", ada, list(Scope), now=NOON)
    headers: Any = {"Authorization": f"Bearer {secret}"}
    api = f"/api/v1/subscribers/{subscriber.pk}"
    assert Client().get(api, headers=headers).status_code == 200
    assert Client().get(f"{api}/export", headers=headers).status_code == 200
    assert Client().get("/api/v1/subscribers/999999/export", headers=headers).status_code == 404
    assert actions() == ["exported the subscriber", f"GET {api}/export"]


# --- who has an account is not told ----------------------------------------------------


def test_a_forgotten_password_is_queued_for_every_address(ada: User) -> None:
    """The same rows for an account and for none; only the account gets a mail, at its address."""
    make_publication()
    for email in (ada.email, "ADA@COURIER.EXAMPLE", "nobody@courier.example"):
        Client().post("/admin/account/password/reset/", {"email": email})
    notices = Notice.objects.order_by("pk")
    assert [notice.context for notice in notices] == [{"forgotten": True}] * 3
    letters = [content.write_letter(notice, clock.now()) for notice in notices]
    assert [letter is not None for letter in letters] == [True, True, False]


def test_a_lookalike_address_gets_no_link() -> None:
    """PostgreSQL takes some letters for others; mail servers do not."""
    publication = make_publication()
    User.objects.create_user("\u0131da@courier.example")
    User.objects.create_user("mike@courier.example")
    for email in ("m\u0131ke@courier.example", "mi\u212ae@courier.example"):
        notice = Notice(
            kind="account", publication=publication, email=email, context={"forgotten": True}
        )
        assert content.write_letter(notice, clock.now()) is None
    notice.email = "\u0131da@courier.example"
    assert content.write_letter(notice, clock.now())


def test_known_and_unknown_addresses_take_as_long(ada: User) -> None:
    """The same statements are run for both: nothing there depends on who has an account."""
    make_publication()
    for path, form in (
        ("password/reset/", {}),
        ("login/", {"password": "wrong-horse-battery"}),
    ):
        counts = {}
        for name in (ada.email, "nob@courier.example"):
            field = "login" if form else "email"
            counts[name] = _statements(f"/admin/account/{path}", form | {field: name})
        assert len(set(map(tuple, counts.values()))) == 1, path


def _statements(path: str, form: dict[str, str]) -> list[str]:
    """The beginnings of the statements that a form causes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        Client().post(path, form)
    return [query["sql"][:30] for query in captured if "SAVEPOINT" not in query["sql"]]


def test_each_publication_sees_what_was_done_in_it(client: Client, courier: Publication) -> None:
    """Its owner reads it in their log: articles, sources, subscribers."""
    newsletter = make_newsletter(publication=courier)
    source = make_source(newsletter, switched_off_at=NOON)
    article, subscriber = make_article(source), make_subscriber(newsletter)
    client.force_login(make_member(courier))
    person = f"/admin/subscribers/{subscriber.pk}"
    client.post(f"/admin/article/{article.pk}/allow-resending/")
    client.post(f"/admin/source/{source.pk}/switch-on/")
    client.post(f"/admin/source/{source.pk}/poll/")
    rule = {f"{newsletter.pk}-issues": 10, f"{newsletter.pk}-months": 6}
    client.post(f"/admin/deliverability/inactive/{newsletter.pk}/save/", rule)
    client.get(f"{person}/export/")
    client.post(f"{person}/suppress/", {"reason": "asked by phone"})
    client.post(f"{person}/suppress/", {"reason": "wrote to us", "lift": "1"})
    client.post(f"{person}/erase/", {"address": subscriber.email})
    assert len(actions()) == 8
    assert set(AuditEntry.objects.values_list("publication_id", flat=True)) == {courier.pk}
    log = client.get("/admin/audit/").content.decode()
    for action in actions():
        assert escape(action) in log


def test_a_name_of_one_publication_is_not_in_the_log_of_another(client: Client) -> None:
    """Who edits both suppresses an address for both; each log names its own newsletters."""
    first, second = make_newsletter(name="Tide"), make_newsletter(name="Flood", slug="flood")
    editor = make_member(first.publication)
    Member.objects.create(
        user=editor, publication=second.publication, role=Role.OWNER, created_at=NOON
    )
    client.force_login(editor)
    subscriber = make_subscriber(first)
    client.post(f"/admin/subscribers/{subscriber.pk}/suppress/", {"reason": "asked"})
    rows = AuditEntry.objects.values_list("publication_id", "action")
    assert dict(rows) == {
        first.publication_id: "suppressed for Tide",
        second.publication_id: "suppressed for Flood",
    }
