"""How many connections may be open. Their holders reserve them, and renew them while they live.

A worker that was killed renews nothing, so its connections are free once their time is over. A
Valkey that was flushed or restarted has forgotten all reservations: until the holders renew, and
learn that they have none, as many again may be reserved. So renew often (every third of `ttl`), and
close connections that are no longer reserved.
"""

from contextlib import suppress

from digest.relays.errors import ThrottleUnavailableError
from digest.relays.throttles.valkey import run

PREFIX = "digest-connections:"


def reserve(key: str, limit: int, count: int, holder: str, ttl: float) -> int:
    """Reserve `count` connections for `holder`, or as many as are free; return how many it has.

    All holders of `key` (a relay) share `limit` connections. A holder keeps those that it has, for
    `ttl` seconds from now; a smaller `count` gives the rest back, and a lower limit takes some
    away. `holder` identifies one process, and is never used again. Raises ThrottleUnavailableError.
    """
    return int(run(_RESERVE, [PREFIX + key], [holder, _microseconds(ttl), limit, count]))


def renew(key: str, holder: str, ttl: float) -> int:
    """Keep the holder's connections for `ttl` seconds from now; return how many it still has.

    0: they were lost, and others may have them by now. Raises ThrottleUnavailableError.
    """
    return int(run(_RENEW, [PREFIX + key], [holder, _microseconds(ttl)]))


def release(key: str, holder: str) -> None:
    """Give all the holder's connections back; without Valkey they come free by themselves."""
    with suppress(ThrottleUnavailableError):
        run(_RELEASE, [PREFIX + key], [holder, 0])


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


# A sorted set of "HOLDER#1", "HOLDER#2" … by the µs at which they come free. All connections of a
# holder come free at the same moment, so their numbers have no gaps.
_RESERVED = """
local key, holder = KEYS[1], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))

local reserved = 0
while redis.call('ZSCORE', key, holder .. '#' .. reserved + 1) do reserved = reserved + 1 end

local function keep(count)
  local free_at = string.format('%.0f', now + tonumber(ARGV[2]))
  for i = 1, count do redis.call('ZADD', key, free_at, holder .. '#' .. i) end
  for i = count + 1, reserved do redis.call('ZREM', key, holder .. '#' .. i) end
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(last / 1000))) end
  return count
end
"""
_RESERVE = (
    _RESERVED
    + """
local others = redis.call('ZCARD', key) - reserved
return keep(math.max(0, math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) - others)))
"""
)
_RENEW = _RESERVED + "return keep(reserved)"
_RELEASE = _RESERVED + "return keep(0)"
