"""How many connections may be open: seats, which their holders keep by renewing them.

A worker that was killed renews nothing, and its seats are free when their time is over. A Valkey
that was flushed or restarted has forgotten who sits where: until the holders renew, and learn that
they hold nothing, as many again may be taken. So renew often (a third of `ttl`), and close
connections that have no seat.
"""

from contextlib import suppress

from digest.relays.errors import ThrottleUnavailableError
from digest.relays.throttles.valkey import run

PREFIX = "digest-seats:"


def take(key: str, limit: int, wanted: int, holder: str, ttl: float) -> int:
    """Let `holder` have `wanted` seats in all, or as many as there are; return how many it has now.

    `limit` seats are there for all holders of `key` (a relay) together. Whoever has some already
    keeps them, `ttl` seconds from now; wanting fewer gives the rest back, and a limit that was
    lowered takes some away. `holder` names one process, and no other for ever. Raises
    ThrottleUnavailableError.
    """
    return int(run(_TAKE, [PREFIX + key], [holder, _microseconds(ttl), limit, wanted]))


def renew(key: str, holder: str, ttl: float) -> int:
    """Keep the holder's seats for `ttl` seconds from now; return how many it still has.

    0: they were lost, and may be others' by now. Raises ThrottleUnavailableError.
    """
    return int(run(_RENEW, [PREFIX + key], [holder, _microseconds(ttl)]))


def leave(key: str, holder: str) -> None:
    """Give all the holder's seats back; if Valkey does not answer they come free by themselves."""
    with suppress(ThrottleUnavailableError):
        run(_LEAVE, [PREFIX + key], [holder, 0])


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


# A sorted set of "HOLDER#1", "HOLDER#2" … by the µs at which they come free. All seats of a holder
# come free at one moment, so their numbers have no gaps.
_HELD = """
local key, holder = KEYS[1], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))

local held = 0
while redis.call('ZSCORE', key, holder .. '#' .. held + 1) do held = held + 1 end

local function keep(count)
  local free_at = string.format('%.0f', now + tonumber(ARGV[2]))
  for i = 1, count do redis.call('ZADD', key, free_at, holder .. '#' .. i) end
  for i = count + 1, held do redis.call('ZREM', key, holder .. '#' .. i) end
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(last / 1000))) end
  return count
end
"""
_TAKE = (
    _HELD
    + """
local others = redis.call('ZCARD', key) - held
return keep(math.max(0, math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) - others)))
"""
)
_RENEW = _HELD + "return keep(held)"
_LEAVE = _HELD + "return keep(0)"
