"""Store a chunk of candidates: copy it, decide on each row, add what is new. All by set, in SQL.

    prepare_tables    temporary tables of this session
    note_stops        addresses that the list itself stops in any of its rows
    store_chunk       copy > decide (earlier rows, stops, suppressions, unsubscribed) > insert
    store_stops       suppress the stopped, if the importer wants that
    drop_tables
    refresh_statistics    of the tables that an import fills

Raw SQL, because a list of a million is decided and stored in the database, not row by row.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from digest.core.database import optimizer
from digest.core.database.copying import copy
from digest.core.database.statements import execute, fetch_row, fetch_rows
from digest.newsletters.models import Newsletter
from digest.subscribers.hashing import PREFIX, stored_forms
from digest.subscribers.importing.candidates import Candidate, Refusal, Stop
from digest.subscribers.importing.causes import SUPPRESSIBLE, Cause
from digest.subscribers.importing.profile_cells import store_profiles
from digest.subscribers.models import (
    ConsentEvent,
    Profile,
    Subscriber,
    Subscription,
    Suppression,
)
from digest.subscribers.signups import wording_version
from digest.subscribers.suppression import ERASED

_FILLED = (Subscriber, Subscription, ConsentEvent, Profile, Suppression)

# Keys have the collation of the tables that they are looked up in, or no index would be used.
_TABLES = """
CREATE TEMP TABLE import_chunk (
    line bigint, email text, key text, name text
);
CREATE TEMP TABLE import_seen (hash bigint PRIMARY KEY, key text, line bigint);
CREATE TEMP TABLE import_decided (
    line bigint, email text, key text, name text, verdict text, subscriber bigint, new bool,
    cause text
);
CREATE TEMP TABLE import_stops (key text PRIMARY KEY, reason text, cause text);
CREATE TEMP TABLE import_stopped (key text, reason text, cause text);
"""
_SUPPRESSIONS = """
CREATE TEMP TABLE import_suppressed AS
SELECT address_key AS key, min(reason) AS reason FROM subscribers_suppression
 WHERE newsletter_id IS NULL OR newsletter_id = %(newsletter)s GROUP BY address_key;
CREATE INDEX ON import_suppressed (key)
"""

# A chunk is looked up row by row in the indexes; tables of a million rows are never scanned,
# whatever the optimizer expects of a new newsletter, or of tables that just grew. So each lookup is
# planned alone (OFFSET 0), and subscriptions are found by subscriber (`+ 0`).
_LOOK_UP = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

# The first case that applies is why a row is refused. Ids of new subscribers are assigned here.
_VERDICTS = """
INSERT INTO import_decided
SELECT line, email, key, name, verdict,
       CASE WHEN verdict <> 'add' THEN NULL WHEN existing IS NULL THEN
            nextval(pg_get_serial_sequence('subscribers_subscriber', 'id')) ELSE existing END,
       existing IS NULL, NULL
  FROM (
    SELECT row.line, row.email, row.key, row.name, subscriber.id AS existing,
           CASE WHEN earlier.line < row.line THEN 'the same address as in line ' || earlier.line
                WHEN subscription.state = 'unsubscribed' THEN 'has unsubscribed'
                WHEN subscription.state = 'active' THEN 'unchanged'
                ELSE 'add' END AS verdict
      FROM import_chunk AS row
      LEFT JOIN import_seen AS earlier
             ON %(repeats)s AND earlier.key = row.key
            AND earlier.hash = hashtextextended(row.key, 0)
      LEFT JOIN LATERAL (
          SELECT id FROM subscribers_subscriber WHERE address_key = row.key OFFSET 0
      ) AS subscriber ON true
      LEFT JOIN LATERAL (
          SELECT state FROM subscribers_subscription
           WHERE subscriber_id = subscriber.id AND newsletter_id + 0 = %(newsletter)s OFFSET 0
      ) AS subscription ON true
     ORDER BY row.key COLLATE "C" OFFSET 0  -- two imports at once lock in one order
  ) AS candidates
"""
# One row of a list may say "subscribed", another "unsubscribed": then nobody may write.
_STOPPED = """
UPDATE import_decided AS row SET verdict = stop.reason, cause = stop.cause
  FROM import_stops AS stop
 WHERE stop.key = row.key AND row.verdict NOT LIKE 'the same address %%'
"""
# Few are suppressed, so these come last: the reason replaces all but a repeated line.
_SUPPRESSED = """
UPDATE import_decided AS row
   SET verdict = CASE WHEN suppressed.reason = 'erased' THEN 'was erased at their own request'
                      ELSE 'suppressed: ' || suppressed.reason END,
       cause = NULL
  FROM import_suppressed AS suppressed
 WHERE suppressed.key = row.key AND row.verdict NOT LIKE 'the same address %%'
"""

_SUBSCRIBERS = """
INSERT INTO subscribers_subscriber (id, email, address_key, name, language, timezone, created_at)
SELECT subscriber, email, key, name, '', '', %(now)s
  FROM import_decided WHERE verdict = 'add' AND new
    ON CONFLICT (address_key) DO NOTHING
"""
# Another transaction inserted some of them first: then its ids are used.
_OTHER_IDS = """
UPDATE import_decided AS row SET subscriber = existing.id FROM subscribers_subscriber AS existing
 WHERE row.verdict = 'add' AND row.new AND existing.address_key = row.key
"""

# Another transaction may have changed a subscription since; only a pending one is activated.
_SUBSCRIPTIONS = """
WITH added AS (
    INSERT INTO subscribers_subscription AS subscription
           (subscriber_id, newsletter_id, state, created_at, confirmed_at)
    SELECT subscriber, %(newsletter)s, 'active', %(now)s, %(now)s
      FROM import_decided WHERE verdict = 'add'
        ON CONFLICT (subscriber_id, newsletter_id)
           DO UPDATE SET state = 'active', confirmed_at = %(now)s
               WHERE subscription.state = 'pending'
    RETURNING subscriber_id)
INSERT INTO subscribers_consentevent
       (subscriber_id, newsletter_id, action, at, via, ip, wording, wording_version)
SELECT subscriber_id, %(newsletter)s, 'imported', %(now)s, 'import', NULL, %(consent)s, %(version)s
  FROM added
"""
_ACTIVE_HERE = """
SELECT count(DISTINCT subscriber.id)
  FROM import_stopped AS stopped, LATERAL (
      SELECT id FROM subscribers_subscriber WHERE address_key = stopped.key OFFSET 0
  ) AS subscriber, LATERAL (
      SELECT FROM subscribers_subscription WHERE subscriber_id = subscriber.id
         AND newsletter_id + 0 = %(newsletter)s AND state = 'active' OFFSET 0
  ) AS subscription
"""
_SUPPRESS = """
INSERT INTO subscribers_suppression (address_key, newsletter_id, reason, evidence, created_at)
SELECT DISTINCT ON (key) key, %(newsletter)s, cause, reason, %(now)s
  FROM import_stopped AS stopped
 WHERE cause = ANY(%(causes)s) AND key <> ALL(%(hashed)s)
   AND NOT EXISTS (SELECT FROM import_suppressed AS suppressed WHERE suppressed.key = stopped.key)
 ORDER BY key
    ON CONFLICT DO NOTHING
"""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": " ", "\n": " ", "\r": " "})


def store_chunk(
    candidates: list[Candidate],
    newsletter: Newsletter,
    consent: str,
    now: datetime,
    *,
    dry_run: bool = False,
) -> tuple[int, list[Refusal]]:
    """Store the candidates, all or none; return how many were added, and which were refused.

    A dry run decides only: it returns how many would be added.
    """
    with transaction.atomic():
        has_repeats = _copy(candidates)
        refusals = _decide(newsletter, candidates, has_repeats=has_repeats)
        if dry_run:
            return _count("SELECT count(*) FROM import_decided WHERE verdict = 'add'"), refusals
        added = _insert(newsletter, consent, now)
        profiles = ((row.line, row.profile) for row in candidates if row.profile)
        store_profiles(profiles, newsletter.publication_id)
        return added, refusals


def verdicts_on(lines: list[int]) -> dict[int, str]:
    """Return what was decided on these lines of the chunk that was stored last."""
    return dict(
        fetch_rows("SELECT line, verdict FROM import_decided WHERE line = ANY(%s)", [lines])
    )


def note_stops(stops: list[Stop]) -> None:
    """Note that none of these addresses is added, whatever other rows of the list say."""
    with connection.cursor() as cursor:
        _copy_stops(stops)
        cursor.execute(
            "INSERT INTO import_stops SELECT * FROM import_stopped ON CONFLICT DO NOTHING"
        )


def store_stops(
    stops: list[Stop], newsletter: Newsletter, now: datetime, *, suppress: bool, dry_run: bool
) -> tuple[int, int]:
    """Suppress the stopped addresses for the newsletter, if `suppress`.

    Return how many were suppressed (in a dry run: would be), and how many of all of them are active
    subscribers here.
    """
    values: dict[str, Any] = {
        "newsletter": newsletter.pk,
        "now": now,
        "causes": [*map(str, SUPPRESSIBLE)],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        _copy_stops(stops)
        active = _count(_ACTIVE_HERE, values)
        if not suppress:
            return 0, active
        hashed = [key for key, _ in _hashed(stop.key for stop in stops)]
        cursor.execute(_SUPPRESS, values | {"hashed": hashed})
        count = int(cursor.rowcount)
        transaction.set_rollback(dry_run)
        return count, active


def prepare_tables(newsletter: Newsletter) -> None:
    """Create the temporary tables of this session."""
    drop_tables()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        cursor.execute(_SUPPRESSIONS, {"newsletter": newsletter.pk})


def drop_tables() -> None:
    """Drop them."""
    execute(
        "DROP TABLE IF EXISTS pg_temp.import_chunk, pg_temp.import_seen,"
        " pg_temp.import_decided, pg_temp.import_suppressed, pg_temp.import_stops,"
        " pg_temp.import_stopped, pg_temp.import_profiles"
    )


def refresh_statistics() -> None:
    """Let the optimizer know what was stored, once the transaction has committed."""
    optimizer.refresh_statistics(_FILLED)


def _copy(candidates: list[Candidate]) -> bool:
    """Copy a chunk into the temporary table, as one text; return whether it repeats an address."""
    lines = [
        f"{line}\t{email}\t{key}\t{name.translate(_ESCAPES)}\n"
        for line, email, key, name, _ in candidates
    ]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE import_chunk, import_decided")
        with copy("COPY import_chunk (line, email, key, name) FROM STDIN") as rows:
            rows.write("".join(lines))
        cursor.execute(
            "INSERT INTO import_seen SELECT hashtextextended(key, 0), key, line FROM import_chunk"
            " ON CONFLICT DO NOTHING"
        )
        return int(cursor.rowcount) < len(candidates)


def _decide(
    newsletter: Newsletter, candidates: list[Candidate], *, has_repeats: bool
) -> list[Refusal]:
    """Decide on each row of the chunk; return those that are refused."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP)
        cursor.execute(_VERDICTS, {"newsletter": newsletter.pk, "repeats": has_repeats})
        cursor.execute(_STOPPED)
        cursor.execute(_SUPPRESSED)
        _refuse_hashed(candidates)
        cursor.execute(
            "SELECT line, email, verdict, cause FROM import_decided"
            " WHERE verdict NOT IN ('add', 'unchanged')"
        )
        return [
            Refusal(line, email, verdict, cause or _cause(verdict))
            for line, email, verdict, cause in cursor.fetchall()
        ]


def _cause(verdict: str) -> Cause:
    """Return the cause behind a verdict of the database."""
    return next((cause for start, cause in _STARTS.items() if verdict.startswith(start)), _REST)


_STARTS = {
    "the same address": Cause.DUPLICATE,
    "has unsubscribed": Cause.LEFT,
    "was erased": Cause.ERASED,
}
_REST = Cause.SUPPRESSED


def _refuse_hashed(candidates: list[Candidate]) -> None:
    """Refuse addresses suppressed by a keyed hash."""
    with connection.cursor() as cursor:
        for key, reason in _hashed(candidate.key for candidate in candidates):
            verdict = (
                "was erased at their own request" if reason == ERASED else f"suppressed: {reason}"
            )
            cursor.execute(
                "UPDATE import_decided SET verdict = %s, cause = NULL WHERE key = %s",
                [verdict, key],
            )


def _hashed(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Return the keys that are suppressed by a keyed hash, each with its reason.

    Hashes are computed only if there are any.
    """
    reasons = dict(
        fetch_rows("SELECT key, reason FROM import_suppressed WHERE key LIKE %s", [f"{PREFIX}%"])
    )
    return [
        (key, reasons[form])
        for key in keys
        if reasons
        for form in stored_forms(key)[1:]
        if form in reasons
    ]


def _copy_stops(stops: list[Stop]) -> None:
    execute("TRUNCATE import_stopped")
    with copy("COPY import_stopped (key, reason, cause) FROM STDIN") as rows:
        for stop in stops:
            rows.write_row((stop.key, stop.reason, str(stop.cause)))


def _count(statement: str, values: dict[str, Any] | None = None) -> int:
    return int(fetch_row(statement, values)[0])


def _insert(newsletter: Newsletter, consent: str, now: datetime) -> int:
    """Insert the rows to be added; return how many subscriptions became active."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM import_decided WHERE verdict = 'add' AND new")
        (expected,) = cursor.fetchone()
        cursor.execute(_SUBSCRIBERS, {"now": now})
        if cursor.rowcount != expected:
            cursor.execute(_OTHER_IDS)
        cursor.execute(
            _SUBSCRIPTIONS,
            {
                "newsletter": newsletter.pk,
                "now": now,
                "consent": consent,
                "version": wording_version(consent),
            },
        )
        return int(cursor.rowcount)
