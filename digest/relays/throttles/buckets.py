"""How many messages may go: buckets of tokens, one token for each message.

A worker reserves as many tokens as it has messages, sends that many, and releases the rest. A Limit
fills continuously, a Quota at midnight (UTC).

A bucket is stored while it is not full, so a missing one is full. Unless Valkey has lost it: a key
that never expires says since when Valkey remembers, and a missing bucket counts as having begun
then, a Limit with one token, a Quota with the part of the day that was left. So neither a FLUSHALL
nor a restart lets a flood through, and an unused burst is not lost. (A Valkey that is restored from
an old dump has forgotten what was reserved since: at most one more burst.)
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
            raise ValueError(f"{self.key}: the limit allows no message")


@dataclass(frozen=True, slots=True)
class Quota:
    """`per_day` messages in a day from midnight to midnight UTC, at any speed."""

    key: str
    per_day: int

    def __post_init__(self) -> None:
        if self.per_day < 1:
            raise ValueError(f"{self.key}: the quota allows no message")


Bound = Limit | Quota


@dataclass(frozen=True, slots=True)
class Reservation:
    """`count` messages may go now; after `wait` seconds one more may (0: now already).

    Another worker may reserve that one first.
    """

    count: int
    wait: float


def reserve(count: int, limits: Sequence[Bound]) -> Reservation:
    """Reserve as many tokens as all `limits` have, at most `count`, from each of them or from none.

    A count of 0 only returns the wait. Raises ThrottleUnavailableError.
    """
    return reserve_many({"": count}, {"": limits})[""]


def reserve_many(
    counts: Mapping[str, int], limits: Mapping[str, Sequence[Bound]]
) -> dict[str, Reservation]:
    """Reserve tokens for many names (recipient domains) in one round trip.

    Where they share a limit, as domains share their relay's, the first in `counts` are served
    first. Raises ThrottleUnavailableError.
    """
    bounds = _by_key(bound for name in counts for bound in limits[name])
    numbers = {key: number for number, key in enumerate(bounds, 1)}
    arguments: list[float] = []
    for bound in bounds.values():
        arguments += _terms(bound)
    limited = [name for name in counts if limits[name]]
    for name in limited:
        bucket_numbers = {numbers[bound.key] for bound in limits[name]}
        arguments += [counts[name], len(bucket_numbers), *bucket_numbers]
    reservations = {name: Reservation(counts[name], 0.0) for name in counts}
    if limited:
        result = run(_RESERVE, [BORN, *(PREFIX + key for key in bounds)], arguments)
        for name, count, wait in zip(limited, result[::2], result[1::2], strict=True):
            reservations[name] = Reservation(count, wait / 1_000_000)
    return reservations


def spent_today(quota: Quota) -> int:
    """Return how many messages of a day's quota (UTC) are reserved or sent.

    Raises ThrottleUnavailableError. What Valkey has forgotten is not counted.
    """
    return int(run(_SPENT, [PREFIX + quota.key], []))


def queue_up(count: int, limit: Limit, wait: float) -> float:
    """Take the next `count` places in the queue of a limit; return when the first one's turn is.

    In seconds from now, `wait` at the earliest; the others follow at the limit's pace. For messages
    that got no token: each that tries again at its time finds one, rather than all at once finding
    none. A place is not a token. Raises ThrottleUnavailableError.
    """
    interval = round(60_000_000 / limit.per_minute)
    arguments = [round(wait * 1_000_000), count * interval]
    return int(run(_QUEUE_UP, [QUEUE + limit.key], arguments)) / 1_000_000


def release(count: int, limits: Sequence[Bound]) -> None:
    """Return tokens that were not used.

    If Valkey does not answer they are lost, and come again in time: never raises for that.
    """
    release_many({"": count}, {"": limits})


def release_many(counts: Mapping[str, int], limits: Mapping[str, Sequence[Bound]]) -> None:
    """Return tokens that many names did not use, in one round trip; see `release`."""
    unused: dict[str, int] = {}
    for name, count in counts.items():
        for key in _by_key(limits[name]):
            unused[key] = unused.get(key, 0) + count
    unused = {key: count for key, count in unused.items() if count > 0}
    if unused:
        with suppress(ThrottleUnavailableError):
            run(_RELEASE, [PREFIX + key for key in unused], list(unused.values()))


def _by_key(bounds: Iterable[Bound]) -> dict[str, Bound]:
    """Return each bound once; raise ValueError if one key has two meanings."""
    by_key: dict[str, Bound] = {}
    for bound in bounds:
        if by_key.setdefault(bound.key, bound) != bound:
            raise ValueError(f"{bound.key}: two limits with the same key")
    return by_key


def _terms(bound: Bound) -> tuple[float, int]:
    """Return tokens a microsecond (0: all of them at midnight) and the most there can be."""
    if isinstance(bound, Quota):
        return 0, bound.per_day
    return bound.per_minute / 60_000_000, bound.burst


# A bucket is stored as "SPENT AT": what was missing from it at a time in µs. What is missing rather
# than what is there, so that limits may change under it. Unix time has no leap seconds, so its days
# are UTC's. A clock that was set back (another machine took over) only stops the filling.
_SPENT = """
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
local spent, at = string.match(stored, '(%S+) (%S+)')
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if tonumber(at) < now - now % 86400000000 then return 0 end
return math.floor(tonumber(spent) + 0.5)
"""

_RESERVE = """
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

local requests = {}
while cursor < #ARGV do
  local request = {count = argument(), buckets = {}}
  for n = 1, argument() do
    local bucket = buckets[argument()]
    request.buckets[n] = bucket
    request.count = math.min(request.count, math.floor(bucket.most - bucket.spent + NEARLY))
  end
  request.count = math.max(0, request.count)
  for _, bucket in ipairs(request.buckets) do
    bucket.spent = bucket.spent + request.count
    bucket.changed = bucket.changed or request.count > 0
  end
  requests[#requests + 1] = request
end

for _, bucket in ipairs(buckets) do
  if bucket.changed then
    local full = bucket.rate > 0 and bucket.spent / bucket.rate or midnight + DAY - now
    redis.call('SET', bucket.key, string.format('%.17g %.0f', bucket.spent, now),
      'PX', string.format('%.0f', math.ceil(full / 1000) + 1))
  end
end

local result = {}
for _, request in ipairs(requests) do
  local wait = 0
  for _, bucket in ipairs(request.buckets) do
    local lacking = 1 - (bucket.most - bucket.spent)
    if lacking > NEARLY then
      local after = bucket.rate > 0 and lacking / bucket.rate or midnight + DAY - now
      wait = math.max(wait, math.ceil(after))
    end
  end
  result[#result + 1] = request.count
  result[#result + 1] = wait
end
return result
"""

# A missing bucket is full, or forgotten: in neither case is there anything to release.
_RELEASE = """
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
