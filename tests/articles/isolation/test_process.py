"""The process that parses: limited, killed, replaced, used again."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from digest.articles import cleaning, isolation, parsing
from digest.articles.errors import ParseError, ParserKilledError, ParserUnavailableError
from digest.articles.isolation import process
from digest.articles.parsing.base import Document, Entry
from digest.core.isolation import Isolation
from digest.core.isolation.child import PRIORITY
from digest.core.isolation.process import Children
from tests.articles import hostile
from tests.articles.publisher import DATA

RSS = (DATA / "rss.xml").read_bytes()
URL = "https://courier.example/feed"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """Children of this test's own."""
    monkeypatch.setattr(process, "PARSER", Isolation(process.PARSER.module))
    yield process.PARSER.children
    process.PARSER.children.end()


def only_child() -> psutil.Process:
    """The one child that waits for a document."""
    (child,) = process.PARSER.children._idle
    return psutil.Process(child.process.pid)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.*")), ids=lambda path: path.name)
def test_a_child_says_what_we_would_say(path: os.PathLike[str]) -> None:
    """Parsing elsewhere changes nothing, neither in a document nor in what is wrong with one."""
    body = (DATA / path).read_bytes()
    for local, remote in (
        (parsing.parse_feed, isolation.parse_feed),
        (parsing.parse_page, isolation.parse_page),
    ):
        assert _outcome(lambda parse=remote: parse(body, URL)) == _outcome(  # type: ignore[misc]
            lambda parse=local: cleaning.cleaned(parse(body, URL))  # type: ignore[misc]
        )


def _outcome(parse: Callable[[], Document]) -> Document | str:
    """A document, or what is wrong with it."""
    try:
        return parse()
    except ParseError as problem:
        return str(problem)


def test_a_child_has_a_low_priority_before_it_imports_anything(
    children: Children, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its imports take longer than most documents, and mail goes out meanwhile."""
    folder = tmp_path / "digest" / "articles" / "isolation"
    folder.mkdir(parents=True)
    (folder / "jobs.py").write_text("import os\nraise RuntimeError(f'niceness {os.nice(0)}')\n")
    monkeypatch.setattr("digest.core.isolation.process._ROOT", tmp_path)
    with pytest.raises(ParserUnavailableError, match=f"niceness {os.nice(0) + PRIORITY}'"):
        isolation.parse_feed(RSS, URL)


def test_a_child_is_used_again_and_replaced(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes many documents, bad ones too, and is replaced before it grows old."""
    monkeypatch.setattr(process.PARSER.limits, "max_jobs", 3)
    isolation.parse_feed(RSS)
    first = only_child().pid
    with pytest.raises(ParseError, match="is empty"):
        isolation.parse_feed(b"")
    assert only_child().pid == first
    isolation.parse_feed(RSS)
    isolation.parse_feed(RSS)
    assert only_child().pid != first
    assert not psutil.pid_exists(first)


def test_processor_time_is_limited(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that takes too long costs its child, and the next one gets another."""
    monkeypatch.setattr(process.PARSER.limits, "cpu_seconds", 0)
    with pytest.raises(ParserKilledError, match="too much time"):
        isolation.inspect(b"[" + b"[0]," * 10_000_000 + b"0]", URL)


def test_memory_is_limited(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that takes more memory than it may have is refused."""
    monkeypatch.setattr(process.PARSER.limits, "memory", 160 * 1024**2)
    with pytest.raises(ParserKilledError):
        isolation.parse_feed(b'{"items":[' + b"[]," * 1_500_000 + b"0]}")
    assert isolation.parse_feed(RSS).entries


def test_a_busy_machine_is_not_the_documents_fault(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that got no processor time within a minute says nothing about its document."""
    isolation.parse_feed(RSS)
    only_child().suspend()
    monkeypatch.setattr(process.PARSER.limits, "wall_seconds", 0.2)
    with pytest.raises(ParserUnavailableError, match="too busy"):
        isolation.parse_feed(RSS)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has this class")
def test_a_long_job_gets_only_the_time_that_nobody_else_wants(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail goes out meanwhile. There is no way back, so its child does nothing else."""
    monkeypatch.setattr("digest.core.isolation.process.LONG", 0.05)
    monkeypatch.setattr("digest.core.isolation.process.CHECK_SECONDS", 0.01)
    isolation.parse_feed(RSS)
    first, classes = only_child(), set[int]()

    def watch() -> None:
        while psutil.pid_exists(first.pid):
            with suppress(ProcessLookupError):
                classes.add(os.sched_getscheduler(first.pid))
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with pytest.raises(ParseError, match="breaks off"):
        isolation.parse_feed(hostile.FEEDS["late doctypes"](1_000_000))
    watcher.join(10)
    assert classes == {os.SCHED_OTHER, os.SCHED_IDLE}
    assert isolation.parse_feed(RSS).entries
    assert os.sched_getscheduler(only_child().pid) == os.SCHED_OTHER


def test_a_crash_is_the_documents_fault(children: Children) -> None:
    """A parser that crashes is like one that is killed."""
    isolation.parse_feed(RSS)
    victim = only_child()
    victim.suspend()
    threading.Timer(0.2, victim.send_signal, [6]).start()
    threading.Timer(0.3, victim.resume).start()
    with pytest.raises(ParserKilledError):
        isolation.parse_feed(RSS)


def test_a_child_that_left_is_replaced(children: Children) -> None:
    """One that ended because it had nothing to do is not missed."""
    isolation.parse_feed(RSS)
    (child,) = children._idle
    child.process.kill()
    child.process.wait(5)
    assert isolation.parse_feed(RSS).entries


def test_a_fork_starts_children_of_its_own(children: Children) -> None:
    """A worker that is forked while there is a child does not share it."""
    isolation.parse_feed(RSS)
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = 0 if isolation.parse_feed(RSS).entries and only_child() else 1
            process.PARSER.children.end()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert isolation.parse_feed(RSS).entries


def test_a_child_knows_nothing_of_us(children: Children) -> None:
    """It has no environment, so no secret key and no database."""
    isolation.parse_feed(RSS)
    assert not {name for name in only_child().environ() if name.startswith("DIGEST")}


def test_only_a_few_documents_are_read_at_once(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes later waits, but not for ever."""
    with children.borrow(), children.borrow():
        monkeypatch.setattr(process.PARSER.limits, "wall_seconds", 0.05)
        with pytest.raises(ParserUnavailableError, match="try again"):
            isolation.parse_feed(RSS)


def test_an_entry_is_cleaned(children: Children) -> None:
    """A pushed article takes the same way."""
    clean = isolation.clean_entry(Entry(title="<b>Tide</b>", body_html="<script>x</script>Low"))
    assert (clean.title, clean.body_html) == ("Tide", "Low")


def test_a_hostile_feed_is_read_or_refused(children: Children) -> None:
    """The kind that once held a worker for ever."""
    assert isolation.parse_feed(hostile.FEEDS["title"](1000)).entries
