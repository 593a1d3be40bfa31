"""Whether a domain has begun to refuse our mail for the sender's sake, not for the recipients'.

A surge is many policy refusals in a short time that are also a good part of all attempts. It means
that the domain wants no mail from us for a while. Its subscribers did nothing wrong, and more
attempts make it worse.
"""

from digest.relays.throttles.valkey import run
from digest.relays.transports.base import Reply

MINUTES = 10  # of the window, the present minute and those before it
SURGE = 20  # refusals; a few can happen to anyone
SHARE = 0.3  # of all attempts
PREFIX = "digest-refusals:"


def record(relay: str, domain: str, attempts: int, refused: int) -> bool:
    """Count `attempts`, of which `refused` were policy refusals; return whether there is a surge.

    The answer stays True until the window has moved on, or until `reset`. Raises
    ThrottleUnavailableError.
    """
    total, policy_refusals = run(_COUNT, [_key(relay, domain)], [attempts, refused, MINUTES])
    return is_surge(total, policy_refusals)


def reset(relay: str, domain: str) -> None:
    """Begin a new window, for someone who knows that the domain accepts our mail again.

    Raises ThrottleUnavailableError.
    """
    run("return redis.call('DEL', KEYS[1])", [_key(relay, domain)], [])


def is_surge(attempts: int, refused: int) -> bool:
    """Return whether so many refusals among so many attempts are a surge. Pure."""
    return refused >= SURGE and refused >= SHARE * attempts


def is_policy_refusal(reply: Reply) -> bool:
    """Return whether the reply is about the sender: X.7.x, "security or policy" (RFC 3463 §3.8).

    Only the enhanced code counts: texts and bare 421, 450 and 550 mean too many things. Greylisting
    that says 4.7.x counts too; if it meets so many at once, waiting is what it asks for.
    """
    return not reply.accepted and reply.enhanced.startswith(("4.7.", "5.7."))


def _key(relay: str, domain: str) -> str:
    return f"{PREFIX}{relay}:{domain}"


# A hash with two fields for each minute, "MINUTE+" attempts and "MINUTE-" refused.
_COUNT = """
local key, minutes = KEYS[1], tonumber(ARGV[3])
local minute = math.floor(redis.call('TIME')[1] / 60)
redis.call('HINCRBY', key, minute .. '+', ARGV[1])
redis.call('HINCRBY', key, minute .. '-', ARGV[2])
redis.call('EXPIRE', key, minutes * 60)

local sums = {['+'] = 0, ['-'] = 0}
local stored = redis.call('HGETALL', key)
for i = 1, #stored, 2 do
  local at, kind = string.match(stored[i], '(%d+)(.)')
  if tonumber(at) > minute - minutes then
    sums[kind] = sums[kind] + stored[i + 1]
  else
    redis.call('HDEL', key, stored[i])
  end
end
return {sums['+'], sums['-']}
"""
