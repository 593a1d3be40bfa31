"""The process that parses: limited, killed, replaced, used again."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from digest.articles import cleaning, isolation, parsing
from digest.articles.errors import ParseError, ParserKilledError, ParserUnavailableError
from digest.articles.isolation import process
from digest.articles.parsing.base import Document, Entry
from digest.core import processors
from digest.core.isolation import Isolation, UnavailableError, watching
from digest.core.isolation.forking import PRIORITY
from digest.core.isolation.process import Children
from digest.core.isolation.watching import Yielding
from tests.articles import hostile
from tests.articles.publisher import DATA

RSS = (DATA / "rss.xml").read_bytes()
Classes = dict[tuple[int, int], None]  # pids and classes of the scheduler, in the order of time
URL = "https://courier.example/feed"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """Children of this test's own, which do not rest however busy the machine is."""
    monkeypatch.setattr(process, "PARSER", Isolation(process.PARSER.module))
    monkeypatch.setattr(processors, "BUSY", 2.0)  # more than there is
    yield process.PARSER.children
    process.PARSER.children.end()


def only_child() -> psutil.Process:
    """The one child that waits for a document."""
    (child,) = process.PARSER.children._idle
    return psutil.Process(child.pid)


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


def test_a_child_has_a_low_priority_before_it_imports_anything() -> None:
    """Its imports take longer than most documents, and mail goes out meanwhile."""
    isolation = Isolation("tests.articles.isolation.failing_jobs")
    lowered = min(os.nice(0) + PRIORITY, 19)
    with pytest.raises(UnavailableError, match=f"niceness {lowered}'"):
        isolation.run("feed", RSS)


def test_what_is_imported_is_imported_once(children: Children) -> None:
    """A new child is a fork of a process that has imported the jobs, and is ready at once."""
    isolation.parse_feed(RSS)
    first = only_child()
    server = first.parent()
    assert server is not None
    before = server.cpu_times()
    children._idle[0].end()
    isolation.parse_feed(RSS)
    assert (only_child().pid != first.pid, only_child().parent()) == (True, server)
    # Importing takes 0.7 s.
    assert server.cpu_times().user + server.cpu_times().system - before.user - before.system < 0.3


def test_a_fork_server_that_is_gone_is_replaced(children: Children) -> None:
    """It ends by itself when it had nothing to do, or the kernel kills it for its memory."""
    isolation.parse_feed(RSS)
    server = only_child().parent()
    assert server is not None
    server.kill()
    server.wait(5)
    assert isolation.parse_feed(RSS).entries  # its child lives on
    children._idle[0].end()
    assert isolation.parse_feed(RSS).entries
    assert only_child().parent() != server


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
    assert not psutil.pid_exists(first)  # nor is it left in the process table


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


@pytest.fixture
def classes(children: Children, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Classes]]:
    """Return which children were at work since a job was yet to be long, and in which classes."""
    monkeypatch.setattr(watching, "LONG", 0.05)
    monkeypatch.setattr(watching, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(watching, "PATIENCE", dict.fromkeys(Yielding, 600.0))
    monkeypatch.setattr(process.PARSER.limits, "max_children", 1)
    isolation.parse_feed(RSS)
    server, over, observed = only_child().parent(), threading.Event(), Classes()

    def watch() -> None:
        while not over.wait(0.005):
            for child in server.children() if server else ():
                with suppress(ProcessLookupError, psutil.NoSuchProcess):
                    if child.status() != psutil.STATUS_ZOMBIE:
                        observed[child.pid, os.sched_getscheduler(child.pid)] = None

    def stop() -> Classes:
        over.set()
        watcher.join()
        return observed

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield stop
    stop()


only_linux = pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has this class")


@only_linux
def test_a_job_gets_only_the_time_that_nobody_else_wants(
    classes: Callable[[], Classes],
) -> None:
    """Mail goes out meanwhile; its child is used again."""
    first = only_child().pid
    with pytest.raises(ParseError, match="breaks off"):
        isolation.parse_feed(hostile.FEEDS["late doctypes"](2_500_000))
    assert list(classes()) == [(first, os.SCHED_IDLE)]
    assert isolation.parse_feed(RSS).entries
    assert only_child().pid == first


@only_linux
def test_on_a_busy_machine_a_job_yields_when_it_is_long(
    children: Children, classes: Callable[[], Classes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no way back, so its child does nothing else."""
    monkeypatch.setattr(process.PARSER, "_busy_until", time.monotonic() + 600)
    with pytest.raises(ParseError, match="breaks off"):
        isolation.parse_feed(hostile.FEEDS["late doctypes"](2_500_000))
    *_, (long, _), last = classes()
    assert last == (long, os.SCHED_IDLE)
    assert (long, os.SCHED_OTHER) in classes()
    assert long not in {child.pid for child in children._idle}


@only_linux
def test_an_honest_feed_is_read_on_a_machine_without_idle_time(
    classes: Callable[[], Classes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes long is begun again, and keeps its low priority to the end."""
    monkeypatch.setattr(watching, "PATIENCE", dict.fromkeys(Yielding, 0.05))
    monkeypatch.setattr(watching, "STARVED", 1000.0)  # whatever it gets is too little
    first = only_child().pid
    item = RSS[RSS.index(b"<item>") : RSS.index(b"</item>")].replace(b"guid>", b"none>")
    items = (item + b"<guid>%d</guid></item>" % number for number in range(500))
    entries = isolation.parse_feed(RSS.replace(b"</channel>", b"".join(items) + b"</channel>"))
    assert len(entries.entries) == 500
    last = only_child().pid
    idle, *between, end = classes()
    assert (idle, end) == ((first, os.SCHED_IDLE), (last, os.SCHED_OTHER))
    (second,) = {pid for pid, _ in between}
    assert between == [(second, os.SCHED_OTHER), (second, os.SCHED_IDLE)]


def test_a_job_rests_while_others_keep_the_processors_busy(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not take long, and its child is used again."""
    monkeypatch.setattr(processors, "BUSY", -1.0)  # less than there ever is
    monkeypatch.setattr(watching, "CHECK_SECONDS", 0.02)
    isolation.parse_feed(RSS)
    child, over, states = only_child(), threading.Event(), Counter[str]()

    def watch() -> None:
        while not over.wait(0.01):
            states[child.status()] += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    with pytest.raises(ParseError, match="breaks off"):
        isolation.parse_feed(hostile.FEEDS["late doctypes"](2_500_000))
    over.set()
    watcher.join()
    assert states[psutil.STATUS_STOPPED] > sum(states.values()) / 2
    assert isolation.parse_feed(RSS).entries
    assert only_child() == child


def test_a_child_that_rests_ends_when_we_are_gone(children: Children) -> None:
    """Its fork server wakes it, and it sees that nobody waits for its answer."""
    isolation.parse_feed(RSS)
    child, server = only_child(), only_child().parent()
    assert server is not None
    child.suspend()
    children.forget()  # our ends of all sockets are closed, as when we are killed
    server.wait(5)
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running()


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
    only_child().kill()
    while child.is_waiting:  # it takes a moment
        time.sleep(0.01)
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
    with children.borrow(Yielding.LATER), children.borrow(Yielding.LATER):
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
