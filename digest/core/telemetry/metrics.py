"""The counters and histograms that processes add to; labels have few values each."""

from dataclasses import dataclass

# Upper ends of buckets, in seconds.
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that grows."""

    name: str  # without Prometheus's "_total"
    help: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many observations were at most so large, and their sum."""

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]


RESPONSES = Counter("digest_http_responses", "Responses of web processes.", ("page", "status"))
RESPONSE_SECONDS = Histogram(
    "digest_http_response_seconds", "Time until a response was ready.", ("page",), QUICK
)
REPLIES = Counter(
    "digest_smtp_replies", "Replies to issues' mails, by what became of them.", ("relay", "outcome")
)
REPLY_SECONDS = Histogram(
    "digest_smtp_reply_seconds", "From a mail's end to the mail server's reply.", ("relay",), QUICK
)
JOBS = Counter("digest_jobs", "Jobs that ended, by how.", ("job", "outcome"))
JOB_SECONDS = Histogram("digest_job_seconds", "Time that jobs took.", ("job",), SLOW)
POLLS = Counter("digest_source_polls", "Polls of sources, by how they ended.", ("outcome",))
BOUNCES = Counter("digest_bounces", "Bounces and complaints that were recorded.", ("kind",))
SIGN_UPS = Counter("digest_sign_ups", "Sign-ups that came in, by way.", ("via",))

COUNTERS = (RESPONSES, REPLIES, JOBS, POLLS, BOUNCES, SIGN_UPS)
HISTOGRAMS = (RESPONSE_SECONDS, REPLY_SECONDS, JOB_SECONDS)
