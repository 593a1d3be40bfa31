"""Import a list of subscribers: streamed, in chunks that are whole or not at all, repeatable.

Each chunk of the file is checked in Python, copied into a table of this session, judged by the
database against what it knows (earlier rows, suppressions, those who left), and stored by set, all
in one transaction. A crash leaves whole chunks behind; running the import again completes it.

An import never lifts a suppression and never brings back a subscriber who left.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from django.db import connection, transaction

from digest.core import addresses
from digest.core.addresses import mixed_scripts
from digest.core.errors import InvalidAddressError
from digest.newsletters.models import Newsletter
from digest.subscribers import import_file
from digest.subscribers.errors import ImportFileError, SubscriberError
from digest.subscribers.exporting import harmless, restored
from digest.subscribers.hashing import PREFIX, spellings
from digest.subscribers.models import LONGEST_ADDRESS
from digest.subscribers.names import tidy
from digest.subscribers.signups import version_of
from digest.subscribers.suppression import ERASED

CHUNK = 20_000
KEPT = 1_000  # refusals that a Report holds; a report file holds all


class Candidate(NamedTuple):
    """A row whose address is sound."""

    line: int
    email: str
    key: str
    name: str


class Refusal(NamedTuple):
    """A row that was not taken: where, what stood there, why."""

    line: int
    typed: str
    reason: str


@dataclass(slots=True)
class Report:
    """What an import did. `rows = added + unchanged + refused`."""

    layout: import_file.Layout
    rows: int = 0
    added: int = 0
    unchanged: int = 0
    refused: int = 0
    flagged: int = 0  # taken, but they mix alphabets as look-alikes do
    refusals: list[Refusal] = field(default_factory=list)  # the first KEPT of them
    odd: list[str] = field(default_factory=list)  # the first of those flagged


class _Writer(Protocol):
    def writerow(self, row: Iterable[Any], /) -> Any: ...


def import_csv(
    path: Path,
    newsletter: Newsletter,
    *,
    consent: str,
    now: datetime,
    mapping: dict[str, str] | None = None,
    refused_to: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _size: None,
) -> Report:
    """Add the subscribers in a CSV file to a newsletter, as active, and report on every row.

    `consent` says how and when these people agreed; it is stored with each of them. `mapping` is
    as in listfile.read_layout. All refusals are written to the CSV file `refused_to`, if given.
    `on_progress` gets bytes done and bytes in all.

    Raises SubscriberError without a consent statement and ImportFileError for a file that cannot
    be read as a list; then nothing was changed.
    """
    if not consent.strip():
        raise SubscriberError(
            "Say how these subscribers agreed to be mailed; it is kept as evidence."
        )
    layout = import_file.read_layout(path, mapping)
    if refused_to and refused_to.exists() and refused_to.samefile(path):
        raise ImportFileError("The refused rows would be written over the list itself.")
    report = Report(layout)
    with ExitStack() as open_files:
        writer = _refusal_file(refused_to, open_files)
        _prepare_tables(newsletter)
        rows = import_file.rows(path, layout, lambda done: on_progress(done, layout.size))
        for chunk in _ahead(_chunks(rows, layout)):
            refusals = _take(chunk, newsletter, consent.strip(), report, now)
            _note(report, sorted(refusals), writer)
        _drop_tables()
    on_progress(layout.size, layout.size)
    return report


def _take(
    chunk: list[Candidate | Refusal],
    newsletter: Newsletter,
    consent: str,
    report: Report,
    now: datetime,
) -> list[Refusal]:
    """Store one chunk; count it in the report and return what was refused."""
    candidates = [row for row in chunk if isinstance(row, Candidate)]
    refusals = [row for row in chunk if isinstance(row, Refusal)]
    with transaction.atomic():
        repeats = _copy(candidates)
        refusals += _judge(newsletter, candidates, repeats=repeats)
        added = _store(newsletter, consent, now)
    odd = [row for row in candidates if not row.email.isascii() and mixed_scripts(row.email)]
    report.rows += len(chunk)
    report.flagged += len(odd)
    report.odd += [row.email for row in odd][: KEPT - len(report.odd)]
    report.added += added
    report.refused += len(refusals)
    report.unchanged += len(chunk) - added - len(refusals)
    return refusals


def _chunks(
    rows: Iterator[import_file.Row], layout: import_file.Layout
) -> Iterator[list[Candidate | Refusal]]:
    while chunk := [_check(row, layout) for row in islice(rows, CHUNK)]:
        yield chunk


def _ahead(
    chunks: Iterator[list[Candidate | Refusal]],
) -> Iterator[list[Candidate | Refusal]]:
    """Read and check the next chunk while the database stores the one before."""
    with ThreadPoolExecutor(1, "import") as reading:
        coming = reading.submit(next, chunks, None)
        while chunk := coming.result():
            coming = reading.submit(next, chunks, None)
            yield chunk


def _check(row: import_file.Row, layout: import_file.Layout) -> Candidate | Refusal:
    """Read one row; no look at the database."""
    typed = _cell(row, layout, "email")
    shown = tidy(typed)
    if row.problem:
        return Refusal(row.line, shown, row.problem)
    if not typed:
        return Refusal(row.line, "", "there is no address")
    try:
        address = addresses.parse(typed)
    except InvalidAddressError as problem:
        return Refusal(row.line, shown, str(problem))
    if len(address.key) > LONGEST_ADDRESS:
        return Refusal(row.line, shown, "This is too long to be an email address.")
    return Candidate(row.line, address.email, address.key, _name(row, layout))


def _name(row: import_file.Row, layout: import_file.Layout) -> str:
    whole = _cell(row, layout, "name")
    parts = [_cell(row, layout, "first_name"), _cell(row, layout, "last_name")]
    return tidy(whole or " ".join(parts))


def _cell(row: import_file.Row, layout: import_file.Layout, name: str) -> str:
    index = layout.columns.get(name, len(row.cells))
    return restored(row.cells[index].strip()) if index < len(row.cells) else ""


# Keys compare as in the tables that they are looked up in, or no index would serve.
_TABLES = """
CREATE TEMP TABLE import_chunk (
    line bigint, email text, key text, name text
);
CREATE TEMP TABLE import_seen (hash bigint PRIMARY KEY, key text, line bigint);
CREATE TEMP TABLE import_judged (
    line bigint, email text, key text, name text, verdict text, subscriber bigint, new bool
);
"""
_HELD = """
CREATE TEMP TABLE import_held AS
SELECT address_key AS key, min(reason) AS reason FROM subscribers_suppression
 WHERE newsletter_id IS NULL OR newsletter_id = %(newsletter)s GROUP BY address_key
"""

# A chunk is looked up row by row in the indexes: whole tables of a million are never walked.
_LOOK_UP = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

# The first of these that holds is why a row is not taken. Ids of new subscribers are drawn here.
_VERDICTS = """
INSERT INTO import_judged
SELECT line, email, key, name, verdict,
       CASE WHEN verdict <> 'add' THEN NULL WHEN found IS NULL THEN
            nextval(pg_get_serial_sequence('subscribers_subscriber', 'id')) ELSE found END,
       found IS NULL
  FROM (
    SELECT row.line, row.email, row.key, row.name, subscriber.id AS found,
           CASE WHEN earlier.line < row.line THEN 'the same address as in line ' || earlier.line
                WHEN asked.state = 'unsubscribed' THEN 'has unsubscribed'
                WHEN asked.state = 'active' THEN 'unchanged'
                ELSE 'add' END AS verdict
      FROM import_chunk AS row
      LEFT JOIN import_seen AS earlier
             ON %(repeats)s AND earlier.key = row.key
            AND earlier.hash = hashtextextended(row.key, 0)
      LEFT JOIN subscribers_subscriber AS subscriber ON subscriber.address_key = row.key
      LEFT JOIN subscribers_subscription AS asked
             ON asked.subscriber_id = subscriber.id AND asked.newsletter_id = %(newsletter)s
     ORDER BY row.key COLLATE "C" OFFSET 0  -- two imports at once lock in one order
  ) AS looked
"""
# Few are suppressed, so these come after: the reason wins over all but a repeated line.
_SUPPRESSED = """
UPDATE import_judged AS row
   SET verdict = CASE WHEN held.reason = 'erased' THEN 'was erased at their own wish'
                      ELSE 'suppressed: ' || held.reason END
  FROM import_held AS held
 WHERE held.key = row.key AND row.verdict NOT LIKE 'the same address %%'
"""

_SUBSCRIBERS = """
INSERT INTO subscribers_subscriber (id, email, address_key, name, language, timezone, created_at)
SELECT subscriber, email, key, name, '', '', %(now)s FROM import_judged WHERE verdict = 'add' AND new
    ON CONFLICT (address_key) DO NOTHING
"""
# Another door was quicker with some of them: theirs is the id then.
_MET = """
UPDATE import_judged AS row SET subscriber = known.id FROM subscribers_subscriber AS known
 WHERE row.verdict = 'add' AND row.new AND known.address_key = row.key
"""

# Another door may have changed a subscription since the verdict; only a pending one is taken.
_SUBSCRIPTIONS = """
WITH added AS (
    INSERT INTO subscribers_subscription AS asked
           (subscriber_id, newsletter_id, state, created_at, confirmed_at)
    SELECT subscriber, %(newsletter)s, 'active', %(now)s, %(now)s
      FROM import_judged WHERE verdict = 'add'
        ON CONFLICT (subscriber_id, newsletter_id)
           DO UPDATE SET state = 'active', confirmed_at = %(now)s WHERE asked.state = 'pending'
    RETURNING subscriber_id)
INSERT INTO subscribers_consentevent
       (subscriber_id, newsletter_id, action, at, via, ip, wording, wording_version)
SELECT subscriber_id, %(newsletter)s, 'imported', %(now)s, 'import', NULL, %(consent)s, %(version)s
  FROM added
"""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": " ", "\n": " ", "\r": " "})


def _prepare_tables(newsletter: Newsletter) -> None:
    _drop_tables()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        cursor.execute(_HELD, {"newsletter": newsletter.pk})


def _drop_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.import_chunk, pg_temp.import_seen, pg_temp.import_judged,"
            " pg_temp.import_held"
        )


def _copy(candidates: list[Candidate]) -> bool:
    """Copy a chunk into the table of this session, as one text; say whether it repeats a line."""
    lines = [
        f"{line}\t{email}\t{key}\t{name.translate(_ESCAPES)}\n"
        for line, email, key, name in candidates
    ]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE import_chunk, import_judged")
        with cursor.copy("COPY import_chunk (line, email, key, name) FROM STDIN") as copy:
            copy.write("".join(lines))
        cursor.execute(
            "INSERT INTO import_seen SELECT hashtextextended(key, 0), key, line FROM import_chunk"
            " ON CONFLICT DO NOTHING"
        )
        return int(cursor.rowcount) < len(candidates)


def _judge(newsletter: Newsletter, candidates: list[Candidate], *, repeats: bool) -> list[Refusal]:
    """Settle what becomes of each row of the chunk; return those that are refused."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP)
        cursor.execute(_VERDICTS, {"newsletter": newsletter.pk, "repeats": repeats})
        cursor.execute(_SUPPRESSED)
        _refuse_hashed(candidates)
        cursor.execute(
            "SELECT line, email, verdict FROM import_judged"
            " WHERE verdict NOT IN ('add', 'unchanged')"
        )
        return [Refusal(*row) for row in cursor.fetchall()]


def _refuse_hashed(candidates: list[Candidate]) -> None:
    """Refuse those whom only a keyed hash remembers; hashes are made only where there are any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, reason FROM import_held WHERE key LIKE %s", [f"{PREFIX}%"])
        held = dict(cursor.fetchall())
        found = [
            (candidate.key, held[spelling])
            for candidate in candidates
            if held
            for spelling in spellings(candidate.key)[1:]
            if spelling in held
        ]
        for key, reason in found:
            why = "was erased at their own wish" if reason == ERASED else f"suppressed: {reason}"
            cursor.execute("UPDATE import_judged SET verdict = %s WHERE key = %s", [why, key])


def _store(newsletter: Newsletter, consent: str, now: datetime) -> int:
    """Store the rows that are to be added; return how many came to receive the newsletter."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM import_judged WHERE verdict = 'add' AND new")
        (expected,) = cursor.fetchone()
        cursor.execute(_SUBSCRIBERS, {"now": now})
        if cursor.rowcount != expected:
            cursor.execute(_MET)
        cursor.execute(
            _SUBSCRIPTIONS,
            {
                "newsletter": newsletter.pk,
                "now": now,
                "consent": consent,
                "version": version_of(consent),
            },
        )
        return int(cursor.rowcount)


def _refusal_file(path: Path | None, open_files: ExitStack) -> _Writer | None:
    if path is None:
        return None
    try:
        stream = open_files.enter_context(path.open("w", encoding="utf-8", newline=""))
    except OSError as cause:
        raise ImportFileError(f"Cannot write {path}: {cause.strerror}.") from cause
    writer = csv.writer(stream)
    writer.writerow(Refusal._fields)
    return writer


def _note(report: Report, refusals: list[Refusal], writer: _Writer | None) -> None:
    report.refusals += refusals[: KEPT - len(report.refusals)]
    if writer:
        for line, typed, reason in refusals:
            writer.writerow([line, harmless(typed), harmless(reason)])
