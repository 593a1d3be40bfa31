"""Limits that workers share, on a real Valkey and by its clock."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.conf import settings as installation
from pytest_django.fixtures import Settings

from digest.embedded import valkey as embedded
from digest.relays.errors import ThrottleUnavailableError
from digest.relays.throttles import connections, refusals
from digest.relays.throttles.buckets import (
    BORN,
    PREFIX,
    Bound,
    Limit,
    Quota,
    Reservation,
    release,
    release_many,
    reserve,
    reserve_many,
)
from digest.relays.transports.base import Reply

SLOWLY = 1 / 60  # a minute: one token an hour
DAY = 86_400
NOTHING_LISTENS = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def valkey() -> Iterator[redis.Redis]:
    """The suite's Valkey, which remembers since long ago: what is missing is full."""
    with redis.Redis.from_url(installation.DIGEST_REDIS_URL) as client:
        client.set(BORN, 1)
        yield client


@pytest.fixture
def own_valkey(tmp_path: Path, settings: Settings) -> Iterator[redis.Redis]:
    """Another Valkey, which a test may flush and which has only just begun."""
    server, settings.DIGEST_REDIS_URL = embedded.start(tmp_path / "valkey")
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as client:
        yield client
    server.stop()


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return uuid4().hex


def server_time(valkey: redis.Redis) -> float:
    """Return the server's time in seconds."""
    seconds, micros = valkey.time()
    return float(seconds) + float(micros) / 1e6


class TestReserve:
    def test_no_more_than_the_burst_at_once(self, name: str) -> None:
        """A full bucket gives what it has, and says when the next one is there."""
        limit = Limit(name, per_minute=6, burst=10)
        assert reserve(4, [limit]) == Reservation(4, 0.0)
        rest = reserve(100, [limit])
        assert rest.count == 6
        assert rest.wait == pytest.approx(10, abs=1)
        assert reserve(1, [limit]).count == 0

    def test_without_limits_everything_goes(self, settings: Settings) -> None:
        """And nobody is asked."""
        settings.DIGEST_REDIS_URL = NOTHING_LISTENS
        assert reserve(7, []) == Reservation(7, 0.0)

    def test_wanting_nothing_only_asks(self, name: str) -> None:
        """Nothing is taken."""
        limit = Limit(name, SLOWLY, 1)
        assert reserve(0, [limit]) == Reservation(0, 0.0)
        assert reserve(1, [limit]).count == 1
        assert reserve(0, [limit]).wait == pytest.approx(3600, abs=1)

    def test_all_limits_or_none(self, name: str) -> None:
        """What one limit refuses is taken from no other."""
        wide, narrow = Limit(f"{name}-wide", SLOWLY, 10), Limit(f"{name}-narrow", SLOWLY, 3)
        granted = reserve(5, [wide, narrow])
        assert granted.count == 3
        assert reserve(5, [wide, narrow]).count == 0
        assert reserve(100, [wide]).count == 7

    def test_the_longest_wait_counts(self, name: str) -> None:
        """One more is there when all limits have one."""
        fast, slow = Limit(f"{name}-fast", 60, 1), Limit(f"{name}-slow", 6, 1)
        reserve(1, [fast, slow])
        assert reserve(0, [fast, slow]).wait == pytest.approx(10, abs=1)
        assert reserve(0, [slow, fast]).wait == pytest.approx(10, abs=1)

    def test_the_wait_is_right_by_the_servers_clock(self, name: str, valkey: redis.Redis) -> None:
        """Nothing before it is over, one right after it, again and again."""
        limit = Limit(name, per_minute=600, burst=1)
        reserve(1, [limit])
        for _ in range(5):
            reserved_at = server_time(valkey)
            wait = reserve(0, [limit]).wait
            assert 0 < wait <= 0.1
            while reserve(1, [limit]).count == 0:
                time.sleep(0.002)
            assert wait <= server_time(valkey) - reserved_at + 0.001 <= wait + 0.2

    def test_after_the_wait_there_is_one(self, name: str) -> None:
        """Who sleeps as long as told does not come in vain."""
        limit = Limit(name, per_minute=60 * 7, burst=1)  # a rate that no binary fraction hits
        reserve(1, [limit])
        for _ in range(5):
            time.sleep(reserve(0, [limit]).wait)
            assert reserve(1, [limit]).count == 1

    def test_a_full_bucket_leaves_nothing_behind(self, name: str, valkey: redis.Redis) -> None:
        """Its key expires when it would be full, and it is full again."""
        limit = Limit(name, per_minute=600, burst=5)
        assert reserve(5, [limit]).count == 5
        assert 1 <= valkey.pttl(PREFIX + name) <= 502
        time.sleep(0.51)
        assert not valkey.exists(PREFIX + name)
        assert reserve(9, [limit]).count == 5

    def test_a_limit_may_change_under_its_bucket(self, name: str) -> None:
        """Lowered it gives no more than it has now; raised it gives the difference."""
        assert reserve(6, [Limit(name, SLOWLY, 10)]).count == 6
        assert reserve(9, [Limit(name, SLOWLY, 5)]).count == 0
        assert reserve(9, [Limit(name, SLOWLY, 12)]).count == 6

    def test_a_clock_that_was_set_back_only_stops_the_filling(
        self, name: str, valkey: redis.Redis
    ) -> None:
        """A bucket from the future has what it had, and lasts no longer than any other."""
        limit = Limit(name, SLOWLY, 10)
        valkey.set(PREFIX + name, f"7 {(server_time(valkey) + DAY) * 1e6:.0f}")
        assert reserve(9, [limit]).count == 3
        assert reserve(0, [limit]).wait == pytest.approx(3600, abs=1)

    @pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
    def test_a_limit_that_lets_nothing_through_is_refused(
        self, per_minute: float, burst: int
    ) -> None:
        """Nobody would ever come to the end of such a wait."""
        with pytest.raises(ValueError, match="allows no message"):
            Limit("limit", per_minute, burst)
        with pytest.raises(ValueError, match="allows no message"):
            Quota("quota", 0)

    def test_one_name_for_two_limits_is_refused(self, name: str) -> None:
        """One of them would not be held."""
        with pytest.raises(ValueError, match="two limits with the same key"):
            reserve(1, [Limit(name, 1, 1), Limit(name, 2, 1)])


class TestQuota:
    def test_a_day_has_so_many(self, name: str, valkey: redis.Redis) -> None:
        """At any speed; then nothing until midnight UTC."""
        quota = Quota(name, per_day=5)
        assert reserve(3, [quota]).count == 3
        last = reserve(3, [quota])
        assert last.count == 2
        assert last.wait == pytest.approx(DAY - server_time(valkey) % DAY, abs=1)
        assert valkey.pttl(PREFIX + name) / 1000 == pytest.approx(last.wait, abs=1)

    def test_yesterdays_is_forgotten(self, name: str, valkey: redis.Redis) -> None:
        """Even if the key has not expired yet."""
        midnight = server_time(valkey) // DAY * DAY
        valkey.set(PREFIX + name, f"5 {(midnight - 1) * 1e6:.0f}")
        assert reserve(9, [Quota(name, per_day=5)]).count == 5


class TestManyAtOnce:
    def test_a_shared_limit_is_taken_from_by_all(self, name: str) -> None:
        """The first are served first, and each domain within its own."""
        relay, gmail = Limit(f"{name}-relay", SLOWLY, 10), Limit(f"{name}-gmail", SLOWLY, 4)
        granted = reserve_many(
            {"gmail.com": 20, "example.org": 3, "example.net": 9},
            {"gmail.com": [relay, gmail], "example.org": [relay], "example.net": [relay]},
        )
        assert {domain: reservation.count for domain, reservation in granted.items()} == {
            "gmail.com": 4,
            "example.org": 3,
            "example.net": 3,
        }
        # Of what all took together, though there was something left after the second had taken.
        assert granted["example.org"].wait == pytest.approx(3600, abs=1)

    def test_unlimited_ones_go_along(self, name: str) -> None:
        """In the order they came."""
        granted = reserve_many({"a": 2, "b": 3}, {"a": [], "b": [Limit(name, SLOWLY, 1)]})
        assert list(granted) == ["a", "b"]
        assert granted["a"] == Reservation(2, 0.0)
        assert granted["b"].count == 1

    def test_thousands_fit_in_one_question(self, name: str) -> None:
        """A batch may have as many domains as subscribers."""
        counts = dict.fromkeys((f"{name}-{number}.example" for number in range(5_000)), 2)
        relay = Limit(name, SLOWLY, 6_000)
        granted = reserve_many(counts, {key: [relay, Limit(key, SLOWLY, 1)] for key in counts})
        assert sum(reservation.count for reservation in granted.values()) == 5_000


class TestRelease:
    def test_what_was_not_needed_may_be_taken_again(self, name: str) -> None:
        """From all its limits."""
        limits: list[Bound] = [Limit(name, SLOWLY, 10), Quota(f"{name}-day", 10)]
        reserve(10, limits)
        release(4, limits)
        assert reserve(9, limits).count == 4

    def test_no_bucket_overflows(self, name: str, valkey: redis.Redis) -> None:
        """More than was taken does not make it more than full, nor does it last any longer."""
        limit = Limit(name, SLOWLY, 10)
        reserve(3, [limit])
        release(50, [limit])
        assert 0 < valkey.pttl(PREFIX + name) <= 3 * 3_600_000 + 1
        assert reserve(99, [limit]).count == 10

    def test_many_at_once(self, name: str) -> None:
        """A shared limit gets back what all did not need."""
        relay, slow = Limit(name, SLOWLY, 10), Limit(f"{name}-slow", SLOWLY, 5)
        limits = {"a": [relay, slow], "b": [relay]}
        reserve_many({"a": 5, "b": 5}, limits)
        release_many({"a": 2, "b": 3}, limits)
        assert reserve(9, [relay]).count == 5
        assert reserve(9, [slow]).count == 2

    def test_nothing_is_put_into_a_bucket_that_was_forgotten(
        self, name: str, own_valkey: redis.Redis
    ) -> None:
        """After a flush it would be a burst that nobody has."""
        limit = Limit(name, SLOWLY, 10)
        own_valkey.set(BORN, 1)
        reserve(10, [limit])
        own_valkey.flushall()
        release(10, [limit])
        assert reserve(99, [limit]).count == 1

    def test_a_valkey_that_is_away_stops_nobody(self, name: str, settings: Settings) -> None:
        """The tokens are lost, which errs on the safe side."""
        settings.DIGEST_REDIS_URL = NOTHING_LISTENS
        release(3, [Limit(name, 1, 1)])


class TestForgetting:
    def test_after_a_flush_buckets_begin_with_one(self, name: str, own_valkey: redis.Redis) -> None:
        """And fill from there, so that no flood passes."""
        limit = Limit(name, per_minute=60, burst=1_000)
        own_valkey.set(BORN, 1)
        assert reserve(100, [limit]).count == 100
        own_valkey.flushall()
        first = reserve(100, [limit])
        assert first.count == 1
        assert first.wait == pytest.approx(1, abs=0.2)

    def test_a_bucket_nobody_used_fills_all_the_same(
        self, name: str, own_valkey: redis.Redis
    ) -> None:
        """It counts from when Valkey began to remember."""
        own_valkey.set(BORN, f"{(server_time(own_valkey) - 10) * 1e6:.0f}")
        assert reserve(99, [Limit(name, per_minute=60, burst=1_000)]).count == 11

    def test_a_beginning_in_the_future_is_none(self, name: str, own_valkey: redis.Redis) -> None:
        """A machine whose clock is behind took over: it remembers from now on."""
        own_valkey.set(BORN, f"{(server_time(own_valkey) + DAY) * 1e6:.0f}")
        assert reserve(99, [Limit(name, SLOWLY, 10)]).count == 1
        assert float(own_valkey.get(BORN) or "inf") / 1e6 <= server_time(own_valkey)

    def test_after_a_flush_a_quota_has_what_is_left_of_the_day(
        self, name: str, own_valkey: redis.Redis
    ) -> None:
        """What went before is not known, so it counts as spent evenly."""
        left = 1 - server_time(own_valkey) % DAY / DAY
        granted = reserve(1_000_000, [Quota(name, per_day=1_000_000)])
        assert granted.count == pytest.approx(1_000_000 * left, abs=100)

    def test_a_restart_is_seen_like_a_flush(
        self, name: str, tmp_path: Path, settings: Settings
    ) -> None:
        """By a client that had asked before: connections and scripts are renewed silently."""
        limit = Limit(name, SLOWLY, 5)
        server, settings.DIGEST_REDIS_URL = embedded.start(tmp_path / "valkey")
        assert reserve(9, [limit]).count == 1
        server.stop()
        with pytest.raises(ThrottleUnavailableError):
            reserve(1, [limit])
        with ExitStack() as stack:
            server, _ = embedded.start(tmp_path / "valkey")
            stack.callback(server.stop)
            assert reserve(9, [limit]).count == 1


class TestUnreachable:
    def test_nobody_there(self, name: str, settings: Settings) -> None:
        """It is said at once, so that the caller waits instead of sending."""
        settings.DIGEST_REDIS_URL = NOTHING_LISTENS
        for call in (
            lambda: reserve(1, [Limit(name, 1, 1)]),
            lambda: connections.reserve(name, 1, 1, "holder", 1),
            lambda: refusals.record(name, "example.org", 1, 1),
        ):
            with pytest.raises(ThrottleUnavailableError, match="Valkey"):
                call()

    def test_nobody_answers(self, name: str, settings: Settings) -> None:
        """A server that hangs holds nobody up for long."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
            start = time.monotonic()
            with pytest.raises(ThrottleUnavailableError):
                reserve(1, [Limit(name, 1, 1)])
            assert time.monotonic() - start < 3


def take_for_a_while(limits: list[Bound], seconds: float) -> int:
    """Reserve a few again and again, and release one each time; return how many were used."""
    used, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        granted = reserve(7, limits).count
        if granted:
            release(1, limits)
            used += granted - 1
    return used


@pytest.mark.parametrize(
    "workers",
    [
        lambda: ThreadPoolExecutor(4),
        lambda: ProcessPoolExecutor(2, mp_context=get_context("fork")),
    ],
    ids=["threads", "processes"],
)
def test_together_never_more_than_the_limit(workers: Callable[[], Executor], name: str) -> None:
    """Of two limits the narrower one holds all workers, and nothing of it is lost."""
    limits: list[Bound] = [Limit(name, 60_000, 100), Limit(f"{name}-narrow", 6_000, 50)]
    reserve(
        1, [Limit(f"{name}-other", 1, 1)]
    )  # this process has a connection, which none may share
    with workers() as pool:
        start = time.monotonic()
        futures = [pool.submit(take_for_a_while, limits, 0.5) for _ in range(4)]
        used = sum(future.result() for future in futures)
        duration = time.monotonic() - start
    assert 50 + 0.2 * 100 < used <= 50 + duration * 100


class TestPartitions:
    def test_there_are_so_many_for_all(self, name: str) -> None:
        """The second takes what the first has left, the third nothing."""
        assert connections.reserve(name, 5, 3, "one", 60) == 3
        assert connections.reserve(name, 5, 3, "two", 60) == 2
        assert connections.reserve(name, 5, 3, "three", 60) == 0

    def test_taking_again_changes_what_one_has(self, name: str) -> None:
        """The count is the total: asking twice reserves nothing twice."""
        assert [connections.reserve(name, 5, count, "one", 60) for count in (2, 2, 9, 1)] == [
            2,
            2,
            5,
            1,
        ]
        assert connections.reserve(name, 5, 9, "two", 60) == 4

    def test_leaving_frees_them(self, name: str, valkey: redis.Redis) -> None:
        """And leaves nothing behind."""
        connections.reserve(name, 5, 5, "one", 60)
        connections.reserve(name, 5, 5, "two", 60)
        connections.release(name, "one")
        assert connections.reserve(name, 5, 5, "two", 60) == 5
        connections.release(name, "two")
        assert not valkey.exists(connections.PREFIX + name)

    def test_a_dead_holders_connections_come_free(self, name: str, valkey: redis.Redis) -> None:
        """After their time, and not before; if it was the last, nothing is left behind."""
        connections.reserve(name, 2, 2, "dead", 0.5)
        assert 0 < valkey.pttl(connections.PREFIX + name) <= 501
        assert connections.reserve(name, 2, 2, "alive", 60) == 0
        time.sleep(0.51)
        assert connections.reserve(name, 2, 2, "alive", 60) == 2
        assert connections.renew(name, "dead", 60) == 0

    def test_the_living_keep_theirs_meanwhile(self, name: str) -> None:
        """Only the dead one's connections come free."""
        connections.reserve(name, 3, 1, "alive", 60)
        connections.reserve(name, 3, 2, "dead", 0.3)
        time.sleep(0.31)
        assert connections.reserve(name, 3, 3, "other", 60) == 2
        assert connections.renew(name, "alive", 60) == 1

    def test_who_renews_stays(self, name: str) -> None:
        """Longer than the time they were taken for."""
        connections.reserve(name, 2, 2, "one", 0.8)
        for _ in range(3):
            time.sleep(0.4)
            assert connections.renew(name, "one", 0.8) == 2
        assert connections.reserve(name, 2, 1, "two", 60) == 0

    def test_a_lowered_limit_takes_connections_away(self, name: str) -> None:
        """When their holder asks the next time."""
        connections.reserve(name, 4, 2, "one", 60)
        connections.reserve(name, 4, 2, "two", 60)
        assert connections.reserve(name, 3, 2, "one", 60) == 1
        assert connections.reserve(name, 3, 2, "two", 60) == 2

    def test_a_flush_tells_the_holder(self, name: str, own_valkey: redis.Redis) -> None:
        """That it holds nothing any more."""
        connections.reserve(name, 2, 2, "one", 60)
        own_valkey.flushall()
        assert connections.renew(name, "one", 60) == 0

    def test_leaving_needs_nobody(self, name: str, settings: Settings) -> None:
        """A worker that stops while Valkey is away stops all the same."""
        settings.DIGEST_REDIS_URL = NOTHING_LISTENS
        connections.release(name, "one")

    def test_together_never_more_connections_than_allowed(self, name: str) -> None:
        """Many at one moment."""
        with ThreadPoolExecutor(8) as pool:
            counts = pool.map(
                lambda holder: connections.reserve(name, 10, 3, str(holder), 60), range(8)
            )
        assert sum(counts) == 10


class TestRefusals:
    def test_a_surge_is_many_and_a_good_part(self) -> None:
        """Both, at these numbers."""
        assert refusals.is_surge(66, 20)
        assert not refusals.is_surge(67, 20)
        assert not refusals.is_surge(19, 19)
        assert refusals.is_surge(1_000, 300)
        assert not refusals.is_surge(1_000, 299)

    def test_they_add_up_for_a_domain_at_a_relay(self, name: str) -> None:
        """Whoever counts them; other domains and relays are not concerned."""
        assert not refusals.record(name, "example.org", 30, 19)
        assert refusals.record(name, "example.org", 1, 1)
        assert not refusals.record(name, "example.net", 1, 1)
        assert not refusals.record(f"{name}-2", "example.org", 1, 1)
        assert not refusals.record(name, "example.org", 100, 0)

    def test_the_window_moves_on(self, name: str, valkey: redis.Redis) -> None:
        """What is ten minutes old does not count, and is not kept."""
        key = f"{refusals.PREFIX}{name}:example.org"
        minute = int(server_time(valkey) // 60)
        for ago, refused in ((11, 1_000), (10, 1_000), (8, 19)):
            valkey.hset(key, mapping={f"{minute - ago}+": refused, f"{minute - ago}-": refused})
        assert not refusals.record(name, "example.org", 0, 0)
        assert refusals.record(name, "example.org", 1, 1)
        assert {int(field[:-1]) for field in valkey.hkeys(key)} <= {*range(minute - 8, minute + 2)}
        assert 0 < valkey.ttl(key) <= 600

    def test_it_can_be_forgotten(self, name: str) -> None:
        """For a domain that takes our mail again."""
        assert refusals.record(name, "example.org", 20, 20)
        refusals.reset(name, "example.org")
        assert not refusals.record(name, "example.org", 1, 1)

    @pytest.mark.parametrize(
        ("code", "text", "policy"),
        [
            (550, "5.7.1 Our system has detected that this message is likely unsolicited", True),
            (550, "5.7.26 This mail has been blocked because the sender is unauthenticated", True),
            (421, "4.7.0 Our system has detected an unusual rate of mail", True),
            (421, "4.7.28 Gmail has detected an unusual rate of mail", True),
            (451, "4.7.500 Server busy", True),
            (550, "5.1.1 No such user", False),
            (452, "4.2.2 Mailbox full", False),
            (550, "5.70.1 no such class", False),
            (250, "2.7.0 accepted", False),
            (550, "rejected for policy reasons, see 5.7.1", False),
            (421, "try again later", False),
        ],
    )
    def test_what_a_policy_refusal_is(self, code: int, text: str, policy: bool) -> None:  # noqa: FBT001
        """The enhanced code says so, and nothing else does."""
        assert refusals.is_policy_refusal(Reply(code, text)) is policy
