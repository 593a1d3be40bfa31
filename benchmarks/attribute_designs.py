"""Where values of attributes are stored: a document for each subscriber, or a row for each value.

documents   a jsonb document for each subscriber, with a GIN index (jsonb_path_ops)
rows        a table of values with a column and an index for each type

DIGEST_SUBSCRIBERS (100,000) with 20 attributes each, in one database and one run; medians.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks._django import set_up

SUBSCRIBERS = int(os.environ.get("DIGEST_SUBSCRIBERS", "100_000"))
ROUNDS = 7
DESIGNS = {
    "documents": (
        """
        CREATE TABLE design_documents (subscriber_id bigint PRIMARY KEY, attributes jsonb);
        CREATE INDEX ON design_documents USING gin (attributes jsonb_path_ops);
        """,
        """
        INSERT INTO design_documents
        SELECT n, (SELECT jsonb_object_agg('a' || k, CASE WHEN k < 10
            THEN to_jsonb('city ' || (n * 7919 % 100)) ELSE to_jsonb(n * 7919 % 1000) END)
            FROM generate_series(0, 19) AS k) FROM generate_series(1, {subscribers}) AS n
        """,
        {
            "equal, 1 %": """attributes @> '{"a0": "city 7"}'""",
            "above, 10 %": "(attributes -> 'a12') > '899'",
            "equal and above": """attributes @> '{"a0": "city 7"}'
                AND (attributes -> 'a12') > '899'""",
        },
        "SELECT count(*) FROM design_documents WHERE {condition}",
        """
        UPDATE design_documents SET attributes = attributes || '{"a3": "city 5"}'
        WHERE subscriber_id = {id}
        """,
    ),
    "rows": (
        """
        CREATE TABLE design_rows (subscriber_id bigint, attribute_id int, text varchar,
            number numeric, PRIMARY KEY (subscriber_id, attribute_id));
        CREATE INDEX ON design_rows (attribute_id, text, subscriber_id) WHERE text IS NOT NULL;
        CREATE INDEX ON design_rows (attribute_id, number, subscriber_id)
            WHERE number IS NOT NULL;
        """,
        """
        INSERT INTO design_rows
        SELECT n, k, CASE WHEN k < 10 THEN 'city ' || (n * 7919 % 100) END,
            CASE WHEN k >= 10 THEN n * 7919 % 1000 END
        FROM generate_series(1, {subscribers}) AS n, generate_series(0, 19) AS k
        """,
        {
            "equal, 1 %": "attribute_id = 0 AND text = 'city 7'",
            "above, 10 %": "attribute_id = 12 AND number > 899",
            "equal and above": """attribute_id = 0 AND text = 'city 7' AND EXISTS (
                SELECT FROM design_rows AS other WHERE other.attribute_id = 12
                AND other.number > 899 AND other.subscriber_id = design_rows.subscriber_id)""",
        },
        "SELECT count(*) FROM design_rows WHERE {condition}",
        "UPDATE design_rows SET text = 'city 5' WHERE subscriber_id = {id} AND attribute_id = 3",
    ),
}


def main() -> None:
    """Fill both designs, and print sizes and milliseconds."""
    set_up()
    for name in DESIGNS:
        _measure(name)


def _measure(name: str) -> None:
    from django.db import connection

    create, fill, conditions, select, update = DESIGNS[name]
    table = f"design_{name}"
    with connection.cursor() as cursor:

        def run(statement: str) -> None:
            cursor.execute(statement)

        run(create)
        filled = _milliseconds(lambda: run(fill.replace("{subscribers}", str(SUBSCRIBERS))))
        run(f"VACUUM ANALYZE {table}")
        cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        (size,) = cursor.fetchone()
        print(f"{name}: filled in {filled / 1000:.1f} s, {size / 1e6:,.0f} MB")
        for label, condition in conditions.items():
            statement = select.replace("{condition}", condition)
            milliseconds = median(_milliseconds(partial(run, statement)) for _ in range(ROUNDS))
            print(f"  {label:<20}{milliseconds:9.1f} ms")
        ids = range(1, SUBSCRIBERS, max(1, SUBSCRIBERS // 200))
        changes = [update.replace("{id}", str(pk)) for pk in ids]
        milliseconds = median(_milliseconds(partial(run, change)) for change in changes)
        print(f"  {'change one value':<20}{milliseconds:9.2f} ms")


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
