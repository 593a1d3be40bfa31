"""Series by API: read, switched on with the number of mails, and off."""

import pytest

from digest.accounts.scopes import Scope
from digest.newsletters.models import Newsletter
from digest.series import planning
from tests.api.conftest import Caller, MakeCaller
from tests.cast.newsletters import make_newsletter
from tests.cast.series import make_series, sign_up
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db


def test_a_series_is_read_with_its_numbers(caller: Caller, newsletter: Newsletter) -> None:
    """Who is where, and what became of each step."""
    series = make_series(newsletter, 0, 60)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    (row,) = caller.json("GET", "/series", newsletter=newsletter.slug)["items"]
    assert (row["id"], row["active"], row["subscribers"]["active"]) == (series.pk, True, 1)
    details = caller.json("GET", f"/series/{series.pk}")
    assert [step["waiting"] for step in details["steps"]] == [0, 1]
    assert details["problems"] == []
    (enrolment,) = caller.json("GET", f"/series/{series.pk}/subscribers", state="active")["items"]
    assert (enrolment["subscriber"], enrolment["step"]) == (nadia.pk, 2)


def test_mass_mail_needs_its_number(caller: Caller, newsletter: Newsletter) -> None:
    """409 with the number, then it works; off again, it waits."""
    series = make_series(newsletter, active=False)
    make_subscriber(newsletter)
    path = f"/series/{series.pk}/switch"
    body = {"active": True, "existing": True}
    refusal = caller("POST", path, body)
    assert (refusal.status_code, b"1 mail at once" in refusal.content) == (409, True)
    assert caller.json("POST", path, body | {"mails_at_once": 1})["active"] is True
    assert caller.json("POST", path, {"active": False})["active"] is False


def test_anothers_series_is_not_there(make_caller: MakeCaller, newsletter: Newsletter) -> None:
    """And switching takes the scope that sends."""
    series = make_series(newsletter, active=False)
    stranger = make_caller(publication=make_newsletter().publication, name="stranger")
    body = {"active": True}
    for method, path in (("GET", ""), ("GET", "/subscribers"), ("POST", "/switch")):
        answer = stranger(method, f"/series/{series.pk}{path}", body if method == "POST" else None)
        assert answer.status_code == 404
    editor = make_caller(Scope.NEWSLETTERS_WRITE, Scope.ISSUES_WRITE, name="editor")
    assert editor("POST", f"/series/{series.pk}/switch", body).status_code == 403
