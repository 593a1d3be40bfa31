"""People: how they come in, sign in, are kept out, and what is noted of what they do."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts import audit, tokens
from digest.accounts.models import AuditEntry, User
from digest.accounts.scopes import Scope
from digest.core import clock, links
from digest.newsletters import invitations, members
from digest.newsletters.members import MemberRole, Right
from digest.newsletters.models import Invitation, Member, Publication, Role
from digest.notices import send
from digest.notices.models import Notice
from tests.cast import NOON, make_publication
from tests.console.houses import PASSWORD
from tests.smtp_server import Received, SmtpServer

pytestmark = pytest.mark.django_db
LOGIN = "/admin/account/login/"


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    """Nobody failed to sign in before."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def courier() -> Publication:
    """A publication."""
    return make_publication(name="The Courier")


def read(mail: Received) -> str:
    """The text of a mail."""
    message = message_from_bytes(mail.data, policy=policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def invite(owner: Client, email: str, **fields: str) -> Invitation:
    """Invite somebody over the page."""
    form = {"email": email, "role": "editor", "publication": "", "may_send": "on"} | fields
    assert owner.post("/admin/team/invite/", form, follow=True).status_code == 200
    return Invitation.objects.latest("pk")


def sign_in(email: str, password: str = PASSWORD, client: Client | None = None) -> Client:
    """Sign in over the page."""
    browser = client or Client()
    browser.post(LOGIN, {"login": email, "password": password})
    return browser


def is_in(browser: Client) -> bool:
    """Whether Home opens."""
    return browser.get("/admin/").status_code == 200


# --- invitations -----------------------------------------------------------------------


def test_who_is_invited_gets_a_mail_chooses_a_password_and_is_in(
    ada_client: Client, courier: Publication, settings: Settings
) -> None:
    """With the rights that were given, and by the link in the mail."""
    invite(ada_client, "ben@courier.example", publication=courier.slug, may_export="on")
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        send.send_due()
        [mail] = relay.received
    text = read(mail)
    assert mail.recipient == "ben@courier.example"
    [path] = re.findall(r"https://digest\.example(/admin/invitation/\S+/)", text)
    ben = Client()
    assert "Join The Courier" in ben.get(path).content.decode()
    answer = ben.post(path, {"password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert is_in(ben)
    user = User.objects.get(email="ben@courier.example")
    assert members.publication_ids(user, Right.EXPORT) == frozenset({courier.pk})
    assert members.publication_ids(user, Right.ERASE) == frozenset()
    assert not user.is_superuser
    assert Client().get(path).status_code == 410


def test_nobody_but_the_mailbox_sees_the_link(ada_client: Client, courier: Publication) -> None:
    """Who invites could else be both who changes an issue and who approves it."""
    link = invitations.accept_url(invite(ada_client, "ben@courier.example"))
    page = ada_client.get("/admin/team/").content.decode()
    assert link not in page
    assert "Mail queued" in page
    Publication.objects.all().delete()
    assert (
        invitations.accept_url(invite(ada_client, "bea@courier.example"))
        in ada_client.get("/admin/team/").content.decode()
    )


def test_pressing_twice_asks_once(ada_client: Client, courier: Publication) -> None:
    """One mail, whose link stays good."""
    first = invite(ada_client, "ben@courier.example")
    assert invite(ada_client, "ben@courier.example") == first
    first.refresh_from_db()
    assert first.revoked_at is None
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("password", ["", "short", "123456789012345", "ben@courier.example"])
def test_a_password_that_is_easily_guessed_is_refused(
    ada_client: Client, courier: Publication, password: str
) -> None:
    """It says why, and the invitation is good still."""
    path = invitations.accept_url(invite(ada_client, "ben@courier.example")).removeprefix(
        "https://digest.example"
    )
    answer = Client().post(path, {"password": password})
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert not User.objects.filter(email="ben@courier.example").exists()
    assert Client().post(path, {"password": PASSWORD}).status_code == 302


def test_an_invitation_ends(ada_client: Client, courier: Publication) -> None:
    """Revoked, requested again, after a week, or altered."""
    first = invite(ada_client, "ben@courier.example")
    path = invitations.accept_url(first).removeprefix("https://digest.example")
    ada_client.post(f"/admin/team/invitations/{first.pk}/revoke/")
    assert Client().get(path).status_code == 410
    second = invite(ada_client, "ben@courier.example")
    third = invite(ada_client, "ben@courier.example", may_export="on")
    second.refresh_from_db()
    assert second.revoked_at
    late = clock.now() - timedelta(days=8)
    Invitation.objects.filter(pk=third.pk).update(created_at=late)
    third.refresh_from_db()
    expired = invitations.accept_url(third).removeprefix("https://digest.example")
    assert Client().get(expired).status_code == 410
    token = links.sign_until("preferences", clock.now() + timedelta(days=1), third.pk)
    assert Client().get(f"/admin/invitation/{token}/").status_code == 410


def test_another_account_does_not_take_an_invitation(
    ada_client: Client, courier: Publication
) -> None:
    """It is for one address; who has an account signs in first."""
    invitation = invite(ada_client, "ben@courier.example")
    path = invitations.accept_url(invitation).removeprefix("https://digest.example")
    assert "is for ben@courier.example" in ada_client.post(path).content.decode()
    User.objects.create_user("ben@courier.example", PASSWORD)
    assert "Sign in first" in Client().get(path).content.decode()
    assert Client().post(path, {"password": PASSWORD}).status_code == 422
    ben = sign_in("ben@courier.example")
    assert ben.post(path).status_code == 302
    assert is_in(ben)


def test_an_owner_of_one_publication_invites_to_no_other(courier: Publication) -> None:
    """Nor to all of them."""
    other = make_publication(slug="gazette")
    cid = User.objects.create_user("cid@gazette.example", PASSWORD, is_staff=True)
    Member.objects.create(user=cid, publication=other, role=Role.OWNER, created_at=NOON)
    browser = sign_in("cid@gazette.example")
    for slug in (courier.slug, ""):
        data = {"email": "eve@x.example", "role": "owner", "publication": slug}
        assert browser.post("/admin/team/invite/", data).status_code == 403
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"email": "no address"}, {"role": "king"}, {"publication": "gone"}]
)
def test_rubbish_invites_nobody(
    ada_client: Client, courier: Publication, fields: dict[str, str]
) -> None:
    """It says what is wrong."""
    form = {"email": "ben@courier.example", "role": "editor", "publication": courier.slug} | fields
    answer = ada_client.post("/admin/team/invite/", form, follow=True)
    assert answer.status_code == 422
    assert list(answer.context["messages"])
    assert f'value="{form["email"]}"' in answer.content.decode()  # what was entered stays
    assert not Invitation.objects.exists()


# --- members ---------------------------------------------------------------------------


def test_who_is_removed_is_out_at_once(ada_client: Client, courier: Publication) -> None:
    """Their session, and the programs that they answer for."""
    ben = User.objects.create_user("ben@courier.example", PASSWORD, is_staff=True)
    member = Member.objects.create(user=ben, publication=courier, role="editor", created_at=NOON)
    browser = sign_in(ben.email)
    _, secret = tokens.create("cms", ben, [Scope.NEWSLETTERS_READ], now=clock.now())
    assert is_in(browser)
    ada_client.post(f"/admin/team/{member.pk}/remove/")
    assert not is_in(browser)
    assert not is_in(sign_in(ben.email))
    assert tokens.authenticate(secret, clock.now()) is None
    invitation = invitations.invite(ben.email, MemberRole(Role.ANALYST, courier), ben, clock.now())
    path = invitations.accept_url(invitation).removeprefix("https://digest.example")
    back = Client()
    back.post(path, {"password": PASSWORD})
    assert is_in(back)


def test_a_role_is_changed_and_noted(ada_client: Client, courier: Publication) -> None:
    """It holds from the next page on."""
    ben = User.objects.create_user("ben@courier.example", PASSWORD, is_staff=True)
    member = Member.objects.create(user=ben, publication=courier, role="owner", created_at=NOON)
    browser = sign_in(ben.email)
    assert browser.get("/admin/team/").status_code == 200
    assert browser.post(f"/admin/team/{member.pk}/remove/").status_code == 404  # not oneself
    ada_client.post(f"/admin/team/{member.pk}/change/", {"role": "analyst"})
    assert browser.get("/admin/team/").status_code == 403
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.target) == ("ada@courier.example", "ben@courier.example")
    assert "Analyst" in entry.action


# --- signing in ------------------------------------------------------------------------


def test_a_wrong_password_is_slowed_down(ada: User) -> None:
    """After five for one account, the right one is refused too, for a while."""
    browser = Client()
    for _ in range(5):
        sign_in(ada.email, "wrong", browser)
    assert not is_in(sign_in(ada.email, client=browser))
    assert not is_in(sign_in(ada.email))  # from elsewhere, too
    cache.clear()
    assert is_in(sign_in(ada.email))


def test_one_can_sign_in_while_valkey_is_away(ada: User, settings: Settings) -> None:
    """To stop an issue must be possible on the worst of days."""
    unreachable = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": unreachable}
    assert is_in(sign_in(ada.email))


def test_sessions_end_when_the_password_changes(ada: User) -> None:
    """All but the one that it is changed in; and a mail tells of it."""
    make_publication()
    browser, other_browser = sign_in(ada.email), sign_in(ada.email)
    assert is_in(browser)
    assert is_in(other_browser)
    new = "another-horse-battery"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser.post("/admin/account/password/change/", form).status_code == 302
    assert is_in(browser)
    assert not is_in(other_browser)
    assert not is_in(sign_in(ada.email))
    assert Notice.objects.get().context["change"] == "Your password was changed"


def test_a_forgotten_password_is_reset_by_mail(ada: User, settings: Settings) -> None:
    """The link works once; nobody learns who has an account."""
    make_publication()
    address = "/admin/account/password/reset/"
    missing = Client().post(address, {"email": "nobody@courier.example"}, follow=True)
    other_host = {"Host": "localhost:8000"}  # allowed, and not where mails should lead
    existing = Client().post(address, {"email": ada.email}, follow=True, headers=other_host)
    assert missing.content == existing.content
    notices = Notice.objects.order_by("pk")
    assert [notice.context for notice in notices] == [{"forgotten": True}] * 2  # and no link
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        send.send_due()
        [mail] = relay.received
    text = read(mail)
    [link] = re.findall(r"https://digest\.example(/admin/account/password/reset/key/\S+)", text)
    browser, new = Client(), "another-horse-battery"
    page = browser.get(link, follow=True)
    action = page.request["PATH_INFO"]
    browser.post(action, {"password1": new, "password2": new})
    assert is_in(sign_in(ada.email, new))
    assert "password1" not in Client().get(link, follow=True).content.decode()


def test_a_second_factor_is_asked_for_on_every_way_in(ada: User) -> None:
    """With an authenticator app the password alone opens nothing; its secret is sealed."""
    secret = generate_totp_secret()
    TOTP.activate(ada, secret)
    assert secret not in str(Authenticator.objects.get().data)
    browser = sign_in(ada.email)
    assert not is_in(browser)
    django = Client()
    django.post("/admin/login/", {"username": ada.email, "password": PASSWORD}, follow=True)
    assert not is_in(django)
    assert b"code" in browser.post("/admin/account/2fa/authenticate/", {"code": "000000"}).content
    assert not is_in(browser)
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter))
    browser.post("/admin/account/2fa/authenticate/", {"code": code})
    assert is_in(browser)


def test_nobody_signs_up_by_themselves() -> None:
    """Whatever the form says."""
    form = {"email": "eve@reader.example", "password1": PASSWORD, "password2": PASSWORD}
    for address in ("/admin/account/signup/", "/admin/account/2fa/webauthn/signup/"):
        Client().post(address, form)
    assert not User.objects.exists()


# --- the audit log ---------------------------------------------------------------------


def test_the_audit_log_is_read_by_owners_and_changed_by_nobody(
    ada_client: Client, ada: User, courier: Publication
) -> None:
    """What somebody is called is shown as text."""
    markup = "<script>alert(1)</script>"
    entry = audit.record(ada, markup, clock.now(), target=markup)
    page = ada_client.get("/admin/audit/").content.decode()
    assert markup not in page
    assert "&lt;script&gt;" in page
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(action="nothing")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()


def test_the_audit_log_goes_on_behind_the_last_row(ada_client: Client, ada: User) -> None:
    """Page by page, and by person."""
    for number in range(130):
        audit.record(ada, f"deed {number:03}", clock.now())
    first = ada_client.get("/admin/audit/")
    assert "deed 129" in first.content.decode()
    second = ada_client.get("/admin/audit/" + first.context["table"].batch.next_url)
    third = ada_client.get(
        "/admin/audit/" + second.context["table"].batch.next_url
    ).content.decode()
    assert "deed 000" in third
    assert "deed 129" not in third
    no_entries = ada_client.get("/admin/audit/", {"q": "eve"}).content.decode()
    assert "Nothing matches" in no_entries
    for place in ("x" * 99, "9" * 99, "-1", "٣"):
        assert ada_client.get("/admin/audit/", {"after": place}).status_code == 200


# --- what must not come back, or stay ---------------------------------------------------


def test_an_invitation_gives_no_more_than_it_says_to_an_account_that_was_switched_off(
    ada_client: Client, ada: User, courier: Publication
) -> None:
    """Whoever invites sees the link: they must not become what somebody else was."""
    boss = User.objects.create_superuser("boss@courier.example", PASSWORD, is_active=False)
    Member.objects.create(user=boss, publication=None, role=Role.OWNER, created_at=NOON)
    tokens.create("crm", boss, [Scope.ISSUES_READ], now=NOON)
    invitation = invite(
        ada_client, "boss@courier.example", publication=courier.slug, role="analyst"
    )
    path = invitations.accept_url(invitation).removeprefix("https://digest.example")
    mallory = Client()
    assert mallory.post(path, {"password": PASSWORD}).status_code == 302
    boss = User.objects.get(pk=boss.pk)
    assert is_in(mallory)
    assert members.publication_ids(boss, Right.SEE) == frozenset({courier.pk})
    assert members.publication_ids(boss, Right.MANAGE) == frozenset()
    assert boss.tokens.get().revoked_at


@pytest.mark.parametrize("ending", ["remove", "change"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_tokens_of_who_manages_no_more_are_refused(
    ada_client: Client, courier: Publication, ending: str, *, signed_in: bool
) -> None:
    """A token outlives nobody's right to make it; those of other publications stay."""
    other = make_publication(slug="other")
    ben = User.objects.create_user("ben@courier.example", PASSWORD, is_staff=True)
    for publication in (courier, other):
        Member.objects.create(user=ben, publication=publication, role=Role.OWNER, created_at=NOON)
        tokens.create(
            publication.slug, ben, [Scope.ISSUES_READ], publication_id=publication.pk, now=NOON
        )
    if signed_in:
        Member.objects.create(user=ben, publication=None, role=Role.OWNER, created_at=NOON)
    member = Member.objects.get(user=ben, publication=courier)
    ada_client.post(f"/admin/team/{member.pk}/{ending}/", {"role": "editor"})
    living = {token.name for token in ben.tokens.filter(revoked_at=None)}
    assert living == ({courier.slug, other.slug} if signed_in else {other.slug})
