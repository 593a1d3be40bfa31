"""How many messages may go: buckets of tokens, one token for each message.

A worker asks for as many tokens as it has messages, sends so many, and puts back what it did not
need. A Limit fills all the time, a Quota at midnight (UTC).

A bucket is kept while it is not full, so a missing one is full. Unless Valkey has lost it: a key
that never expires says since when Valkey remembers, and what is missing counts as having begun
then, a Limit with one token, a Quota with the part of the day that was left. So neither a FLUSHALL
nor a restart lets a flood through, and a burst that nobody used is not lost. (A Valkey that comes
back with an old dump has forgotten what was taken since: a burst more at the most.)
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from digest.relays.errors import ThrottleUnavailableError
from digest.relays.throttles.valkey import run

BORN = "digest-limits-since"  # server time in µs
PREFIX = "digest-limit:"
QUEUE = "digest-limit-queue:"


@dataclass(frozen=True, slots=True)
class Limit:
    """`per_minute` messages in the long run, never more than `burst` at once.

    In any stretch of t minutes at most `burst + t * per_minute` pass. `key` names what is limited,
    for all workers: the relay, or the relay and a domain.
    """

    key: str
    per_minute: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < 1:
            raise ValueError(f"{self.key}: a limit that lets nothing through")


@dataclass(frozen=True, slots=True)
class Quota:
    """`per_day` messages in a day from midnight to midnight UTC, at any speed."""

    key: str
    per_day: int

    def __post_init__(self) -> None:
        if self.per_day < 1:
            raise ValueError(f"{self.key}: a quota that lets nothing through")


Bound = Limit | Quota


@dataclass(frozen=True, slots=True)
class Grant:
    """So many messages may go now; after `wait` seconds there is one more (0: there is already).

    Somebody else may take that one first.
    """

    count: int
    wait: float


def grant(wanted: int, limits: Sequence[Bound]) -> Grant:
    """Take as many tokens as all `limits` have, `wanted` at most, from each of them or from none.

    Wanting 0 only asks for the wait. Raises ThrottleUnavailableError.
    """
    return grant_many({"": wanted}, {"": limits})[""]


def grant_many(
    wanted: Mapping[str, int], limits: Mapping[str, Sequence[Bound]]
) -> dict[str, Grant]:
    """Take tokens for many askers (recipient domains) in one round trip.

    Where they share a limit, as domains share their relay's, the first in `wanted` are served
    first. Raises ThrottleUnavailableError.
    """
    bounds = _by_key(bound for asker in wanted for bound in limits[asker])
    numbers = {key: number for number, key in enumerate(bounds, 1)}
    arguments: list[float] = []
    for bound in bounds.values():
        arguments += _terms(bound)
    bounded = [asker for asker in wanted if limits[asker]]
    for asker in bounded:
        held = {numbers[bound.key] for bound in limits[asker]}
        arguments += [wanted[asker], len(held), *held]
    granted = {asker: Grant(wanted[asker], 0.0) for asker in wanted}
    if bounded:
        said = run(_TAKE, [BORN, *(PREFIX + key for key in bounds)], arguments)
        for asker, count, wait in zip(bounded, said[::2], said[1::2], strict=True):
            granted[asker] = Grant(count, wait / 1_000_000)
    return granted


def queue_up(count: int, limit: Limit, wait: float) -> float:
    """Take the next `count` places in the queue before a limit; return when the first is.

    In seconds from now, `wait` at the earliest; the others follow at the limit's pace. For those
    that got no token: whoever asks again at that time finds one, rather than all at once finding
    none. A place is no token. Raises ThrottleUnavailableError.
    """
    each = round(60_000_000 / limit.per_minute)
    asked = [round(wait * 1_000_000), count * each]
    return int(run(_QUEUE_UP, [QUEUE + limit.key], asked)) / 1_000_000


def put_back(count: int, limits: Sequence[Bound]) -> None:
    """Return tokens that were not used.

    If Valkey does not answer they are lost, and come again in time: never raises for that.
    """
    put_back_many({"": count}, {"": limits})


def put_back_many(counts: Mapping[str, int], limits: Mapping[str, Sequence[Bound]]) -> None:
    """Return tokens that many askers did not use, in one round trip; see put_back."""
    unused: dict[str, int] = {}
    for asker, count in counts.items():
        for key in _by_key(limits[asker]):
            unused[key] = unused.get(key, 0) + count
    given = {key: count for key, count in unused.items() if count > 0}
    if given:
        with suppress(ThrottleUnavailableError):
            run(_PUT_BACK, [PREFIX + key for key in given], list(given.values()))


def _by_key(bounds: Iterable[Bound]) -> dict[str, Bound]:
    """Return each bound once; one key cannot mean two things."""
    found: dict[str, Bound] = {}
    for bound in bounds:
        if found.setdefault(bound.key, bound) != bound:
            raise ValueError(f"{bound.key}: two limits of one name")
    return found


def _terms(bound: Bound) -> tuple[float, int]:
    """Return tokens a microsecond (0: all of them at midnight) and the most there can be."""
    if isinstance(bound, Quota):
        return 0, bound.per_day
    return bound.per_minute / 60_000_000, bound.burst


# A bucket is stored as "SPENT AT": what was missing from it at a time in µs. What is missing rather
# than what is there, so that limits may change under it. Unix time has no leap seconds, so its days
# are UTC's. A clock that was set back (another machine took over) only stops the filling.
_TAKE = """
local DAY, NEARLY = 86400000000, 1e-6
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local midnight = now - now % DAY
local cursor = 0

local function argument()
  cursor = cursor + 1
  return tonumber(ARGV[cursor])
end

local born = tonumber(redis.call('GET', KEYS[1]))
if not born or born > now then
  born = now
  redis.call('SET', KEYS[1], string.format('%.0f', now))
end

local function missing(bucket)
  local rate, most = bucket.rate, bucket.most
  local stored = redis.call('GET', bucket.key)
  if not stored then
    if rate > 0 then return most - 1 - (now - born) * rate end
    return most * (born - midnight) / DAY
  end
  local spent, at = string.match(stored, '(%S+) (%S+)')
  spent, at = tonumber(spent), tonumber(at)
  if rate > 0 then return spent - math.max(0, now - at) * rate end
  return at < midnight and 0 or spent
end

local buckets = {}
for i = 2, #KEYS do
  local bucket = {key = KEYS[i], rate = argument(), most = argument()}
  bucket.spent = math.max(0, math.min(missing(bucket), bucket.most))
  buckets[i - 1] = bucket
end

local asked = {}
while cursor < #ARGV do
  local ask = {count = argument(), held = {}}
  for n = 1, argument() do
    local bucket = buckets[argument()]
    ask.held[n] = bucket
    ask.count = math.min(ask.count, math.floor(bucket.most - bucket.spent + NEARLY))
  end
  ask.count = math.max(0, ask.count)
  for _, bucket in ipairs(ask.held) do
    bucket.spent = bucket.spent + ask.count
    bucket.taken = bucket.taken or ask.count > 0
  end
  asked[#asked + 1] = ask
end

for _, bucket in ipairs(buckets) do
  if bucket.taken then
    local full = bucket.rate > 0 and bucket.spent / bucket.rate or midnight + DAY - now
    redis.call('SET', bucket.key, string.format('%.17g %.0f', bucket.spent, now),
      'PX', string.format('%.0f', math.ceil(full / 1000) + 1))
  end
end

local said = {}
for _, ask in ipairs(asked) do
  local wait = 0
  for _, bucket in ipairs(ask.held) do
    local lacking = 1 - (bucket.most - bucket.spent)
    if lacking > NEARLY then
      local after = bucket.rate > 0 and lacking / bucket.rate or midnight + DAY - now
      wait = math.max(wait, math.ceil(after))
    end
  end
  said[#said + 1] = ask.count
  said[#said + 1] = wait
end
return said
"""

# What is missing is full, or forgotten: in neither case is there anything to put back.
_PUT_BACK = """
for i, key in ipairs(KEYS) do
  local stored = redis.call('GET', key)
  if stored then
    local spent, at = string.match(stored, '(%S+) (%S+)')
    spent = math.max(0, tonumber(spent) - tonumber(ARGV[i]))
    redis.call('SET', key, string.format('%.17g %s', spent, at), 'KEEPTTL')
  end
end
return 0
"""

# The time in µs at which the queue ends by now.
_QUEUE_UP = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local first = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or 0))
local ends = first + tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.0f', ends),
  'PX', string.format('%.0f', math.ceil((ends - now) / 1000) + 1))
return string.format('%.0f', first - now)
"""
