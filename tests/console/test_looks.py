"""Every page of the console in a real browser: it can be read by all, fits, and runs nothing."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.apps import apps
from django.core.cache import cache
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import User
from digest.articles.models import Article, Source
from digest.bulk.models import BulkChange
from digest.issues.models import Issue
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.relays.models import Relay
from digest.series.models import Series, Step
from digest.subscribers.models import Subscriber
from digest.transfers.models import Transfer
from tests.browser import (
    SHOTS,
    SIZES,
    Places,
    Scheme,
    ask_frames,
    chromium_page,
    has_new_places,
    in_browser,
    serious_violations,
    set_scheme,
    settle,
)
from tests.console import houses
from tests.console.test_rights import PAGES

pytestmark = pytest.mark.django_db(transaction=True)
Look = tuple[Literal["phone", "desktop"], Scheme]
# What a browser does not open as a page: answers to buttons, downloads, parts of pages, ways out.
NO_PAGES = (
    *("home/sending/", "progress/", "recipients/", "preflight/", "<slug:verb>/", "export/"),
    *("logout/", "jsi18n/", "autocomplete/", "/r/", "search/", "2fa/", "/account/", "/login/", "("),
    *("skipped/", "editor/", "presence/", "example/", "/checks/", "find/"),
    # Mail is shown without scripts, axe's too; the issue page's frames hold it.
    *(
        "preview/",
        "statistics/map/",
        "/results/",
        "invitation",
        "<path:object_id>/delete/",
        "password_change",
        "domain/",
    ),
)
SCRIPTED = """[...document.querySelectorAll("[href], [src], [action], [formaction]")]
    .filter(one => [one.href, one.src, one.action, one.formAction]
        .some(to => /^javascript:/i.test(to)))
    .map(one => one.outerHTML)"""
STATES: dict[str, tuple[Callable[[], User], list[Look]]] = {
    "empty": (houses.just_set_up, [("desktop", "dark")]),
    "full": (houses.lived_in, [("desktop", "light"), ("phone", "dark")]),
    "in trouble": (houses.in_trouble, [("phone", "light")]),
}
PLACES: Places = set()  # many pages are alike in all states
METHODS: dict[str, str] = {}  # that an address answers, whatever it is about


@pytest.fixture(params=STATES.items(), ids=lambda state: state[0])
def page(request: pytest.FixtureRequest, live_server: LiveServer) -> Iterator[Page]:
    """A page of a browser that is signed in, in front of a house in some state."""
    cache.clear()
    name, (house, looks) = request.param
    user = house()
    options: dict[str, Any] = {"reduced_motion": "reduce", "user_agent": houses.EVIL_BROWSER}
    with chromium_page(may_be_refused=True, **options) as browser:
        browser.goto(f"{live_server.url}/admin/")
        browser.get_by_label("Email").fill(user.email)
        browser.get_by_label("Password").fill(houses.PASSWORD)
        browser.get_by_role("button", name="Sign in", exact=True).click()
        browser.wait_for_url(f"{live_server.url}/admin/")
        browser.state = name  # type: ignore[attr-defined]
        browser.looks = looks  # type: ignore[attr-defined]
        yield browser


@in_browser
def test_every_page(page: Page, live_server: LiveServer) -> None:
    """Axe finds nothing serious, nothing scrolls sideways, no word from outside runs."""
    wrong: list[str] = []
    statuses = []
    looks: list[Look] = page.looks  # type: ignore[attr-defined]
    show(page, looks[0])
    for address in addresses():
        status = open_page(page, live_server.url + address)
        statuses.append(status)
        if status in {403, 404, 405}:  # Django's own, for what is only made elsewhere
            continue
        assert status == 200, address
        for look in looks:
            if len(looks) > 1:
                show(page, look)
            wrong += [f"{address}, {look}: {fault}" for fault in look_for_faults(page, look)]
    assert wrong == []
    assert statuses.count(200) > 15


@in_browser
def test_the_archive_runs_nothing(live_server: LiveServer) -> None:
    """An issue of hostile words in public, on the page with the widest reach."""
    houses.in_trouble()
    issue = Issue.objects.filter(Issue.REGULAR, state=Issue.State.SENDING).get()
    Issue.objects.filter(pk=issue.pk).update(only_topics=[])  # others are not in the archive
    archive = f"{live_server.url}/archive/{issue.newsletter.slug}"
    with chromium_page(viewport=SIZES["phone"]) as public:
        for address in (archive, f"{archive}/{issue.key}"):
            public.goto(address)
            settle(public)
            assert "hacked" in public.content()  # it is there, as words
            assert public.evaluate("window.hacked") is None
            assert public.evaluate(SCRIPTED) == []


def show(page: Page, look: Look) -> None:
    """Show the page, and those to come, in one size and scheme."""
    size, scheme = look
    page.set_viewport_size(SIZES[size])
    set_scheme(page, scheme)


def open_page(page: Page, url: str) -> int:
    """Open a page; return its status, and 405 for what only buttons ask for."""
    kind = re.sub(r"\d+", "0", url.partition("/admin/")[2])
    if kind not in METHODS:
        METHODS[kind] = page.request.fetch(url, method="OPTIONS").headers.get("allow", "GET")
    if "GET" not in METHODS[kind]:
        return 405
    answer = page.goto(url)
    assert answer
    return answer.status


def addresses() -> list[str]:
    """The console's pages, with the ids of what is there."""
    paths: list[str] = []
    for row in PAGES:
        leads_on = row.address.endswith("<path:object_id>/")  # to the form of Django's admin
        if not leads_on and not any(part in row.address for part in NO_PAGES):
            paths += filled(row.address)
    assert len(paths) > 15
    return sorted(set(paths))


def filled(address: str) -> list[str]:
    """An address for each thing that it may be about; of issues, one in each state."""
    gap = re.search(r"<\w+:\w+>", address)
    if not gap:
        return [address]
    if gap[0].startswith("<slug:"):
        return []
    return [address.replace(gap[0], str(key)) for key in keys_for(address)]


def keys_for(address: str) -> Iterable[int | str]:
    """The ids of what an address is about."""
    if "/deliverability/at/" in address:
        return ["gmail", "club.example"]
    if "<path:object_id>" in address:
        app, model = address.split("/")[2:4]
        ids: Iterable[int] = apps.get_model(app, model).objects.values_list("pk", flat=True)[:1]
        return ids
    if "/import/service/" in address:
        return Transfer.objects.filter(reading={}).values_list("pk", flat=True)
    lists = Transfer.objects.exclude(reading={})
    for part, many in (("/import/", lists), ("/subscriber-changes/", BulkChange.objects)):
        if part in address:
            return many.order_by("pk").values_list("pk", flat=True)
    if "/issues/<int:pk>" in address:
        return Issue.objects.order_by("state").distinct("state").values_list("pk", flat=True)
    kind = next((kind for part, kind in KINDS.items() if part in address), User)
    return kind.objects.order_by("pk").values_list("pk", flat=True)[:1]


KINDS: dict[str, Any] = {
    "/series/steps/": Step,
    "/series/": Series,
    "/subscribers/": Subscriber,
    "/article/": Article,
    "/source/": Source,
    "/setup/": Publication,
    "/publication/": Publication,
    "/relays/": Relay,
    "appeal": Appeal,
    "newsletter": Newsletter,
    "/attributes/": Attribute,
    "/segments/": Segment,
    "/forms/": SignUpForm,
}


def look_for_faults(page: Page, look: Look) -> Iterator[str]:
    """Look at a page as axe does, unless it is like others before; and as `faults` does."""
    size, scheme = look
    settle(page)
    if has_new_places(page, scheme, PLACES):
        yield from serious_violations(page)
    yield from faults(page)
    if SHOTS:
        place = page.url.split("/admin/")[1].strip("/").replace("/", "-") or "home"
        path = Path(SHOTS) / f"{place}--{page.state}-{size}-{scheme}.png"  # type: ignore[attr-defined]
        page.screenshot(path=path, full_page=True)


def faults(page: Page) -> Iterator[str]:
    """Look at a page as a ruler and an attacker do."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        yield f"{wide} px too wide"
    if leads := page.evaluate(SCRIPTED):
        yield f"leads into a script: {leads}"
    for hacked in filter(None, ask_frames(page, "window.hacked")):
        yield f"a stranger's script ran: {hacked}"
