"""Which tests of a run share a worker, and which of them begin first.

A worker takes the tests of a file together, for what they share: a browser, a running `digest up`.
Some files share one, and some long files can be divided; so all workers end at the same time.
"""

from collections import Counter
from collections.abc import Collection, Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files that share a `digest up`, in their order: the last one of the first opens all links of a
# mail, on which the one before counts clicks; a series of the second writes to who comes later.
SHARED = {
    "tests/journeys/test_pages.py": "up",
    "tests/journeys/test_clicks.py": "up",
    "tests/journeys/test_from_feed_to_inbox.py": "up",
    "tests/journeys/test_subscribers.py": "lived_in",
    "tests/journeys/test_series.py": "lived_in",
}
# Long files whose tests share nothing.
DIVIDED = {"tests/workers/test_processes.py"}
# Few tests that take minutes.
LONGEST = {
    "tests/console/test_looks.py",
    "tests/journeys/test_editing.py",
    "tests/journeys/test_newcomers.py",
}


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands each worker one share after another, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(nodeid: str) -> str:
    """Return the name of what a test is run with."""
    file = nodeid.partition("::")[0]
    return nodeid if file in DIVIDED else SHARED.get(file, file)


def refuse_equal_ids(items: Collection[pytest.Item]) -> None:
    """Raise UsageError for tests with one id: of these a worker runs only the first."""
    repeated = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if repeated:
        raise pytest.UsageError(f"Tests with one id: {', '.join(repeated)}")


def order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Put what takes longest first: journeys, then browsers, then files by their tests.

    Journeys wait for most of their time, so what they are followed by has turns with them.
    """
    items = list(items)
    sizes = Counter(share_of(item.nodeid) for item in items)
    shared_files = list(SHARED)

    def place(item: pytest.Item) -> tuple[bool, bool, int, int]:
        file = item.nodeid.partition("::")[0]
        is_in_browser = item.get_closest_marker("browser") is not None
        turn = shared_files.index(file) if file in SHARED else 0
        return file not in LONGEST, not is_in_browser, -sizes[share_of(item.nodeid)], turn

    items.sort(key=place)
    shares = dict.fromkeys(share_of(item.nodeid) for item in items)
    journeys = dict.fromkeys(
        share_of(item.nodeid) for item in items if item.get_closest_marker("journey")
    )
    remaining = [share for share in shares if share not in journeys]
    turns = {share: 2 * number for number, share in enumerate(journeys)}
    turns |= {share: 2 * number + 1 for number, share in enumerate(remaining)}
    return sorted(items, key=lambda item: turns[share_of(item.nodeid)])
