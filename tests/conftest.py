"""Fixtures that every test may use."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from _pytest import runner
from django.test.utils import override_settings
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from digest.frames import with_room
from tests import append_only, browser, clock, distribution, emptying
from tests.articles.publisher import Publisher, publishing
from tests.smtp_server import Script, SmtpServer

if TYPE_CHECKING:  # models need the settings, which pytest-django loads after this module
    from digest.newsletters.models import Newsletter

# A machine with other work to do is slow now and then; tests of cost measure processor time.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Django hashes passwords slowly on purpose; a thousand accounts would take minutes here."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files() -> Iterator[None]:
    """Look for static files once: WhiteNoise would look through all folders for each client."""
    with pytest.MonkeyPatch.context() as patch:
        add_files = _once_found(WhiteNoiseMiddleware.add_files_from_finders)
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the tests' database as pytest-django does; it may be emptied between two tests."""
    with django_db_blocker.unblock():
        append_only.allow_truncate()
    emptying.install()


@pytest.fixture
def relay(settings: Settings) -> Iterator[Callable[..., SmtpServer]]:
    """Start a scripted SMTP server as this installation's mail server; may be called again."""
    with ExitStack() as stack:

        def start(script: Script | None = None, **options: Any) -> SmtpServer:
            server = stack.enter_context(SmtpServer(script, **options))
            settings.DIGEST_SMTP_URL = server.url
            return server

        yield start


@pytest.fixture
def newsletter(request: pytest.FixtureRequest) -> "Newsletter":
    """The Morning Tide; the mark `publication` says how its publication differs."""
    return _make_newsletter(request)


@pytest.fixture
def tide(request: pytest.FixtureRequest) -> "Newsletter":
    """The same, with the slug "tide"."""
    return _make_newsletter(request, slug="tide")


def _make_newsletter(request: pytest.FixtureRequest, **fields: Any) -> "Newsletter":
    from tests.cast import make_newsletter, make_publication

    mark = request.node.get_closest_marker("publication")
    publication = make_publication(**mark.kwargs) if mark else None
    return make_newsletter(publication=publication, **fields)


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    """A scripted web server that Digest may fetch from."""
    with publishing(settings) as running:
        yield running


@pytest.fixture(autouse=True)
def noon(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be noon in the cast's town, unless the test needs the machine's time."""
    if not any(map(request.node.get_closest_marker, ("journey", "real_clock"))):
        monkeypatch.setattr("digest.core.clock.now", clock.now)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep Python from looking for garbage among all these modules (digest.loading)."""
    gc.freeze()
    gc.set_threshold(700, 10, 50)  # and among what tests leave to each other every fifth time


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell all tests apart, and let what takes longest begin first: no worker is left with it."""
    distribution.refuse_equal_ids(items)
    items[:] = distribution.order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> distribution.Scheduling:
    """Let several workers share the tests as `distribution` says."""
    return distribution.Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test with room for its frames: pytest calls deep before ours begin."""
    return _run_test(item, nextitem)


_run_test = with_room(runner.pytest_runtest_protocol)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the browser before a test that drives none: its event loop would be in the way."""
    if _is_quick(item):
        browser.end_chromium()


def pytest_sessionfinish() -> None:
    """End the browser of the last test."""
    browser.end_chromium()


def _once_found(find: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a method of WhiteNoise that knows the files of the first call in all later ones."""
    files: dict[str, Any] = {}

    def add_files(whitenoise: Any) -> None:
        if not files:
            find(whitenoise)
            files.update(whitenoise.files)
        whitenoise.files.update(files)

    return add_files


def _is_quick(item: pytest.Item) -> bool:
    return item.get_closest_marker("browser") is None
