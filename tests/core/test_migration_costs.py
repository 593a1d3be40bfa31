"""What a statement costs a table that is in use, by PostgreSQL's rules."""

import pytest

from digest.core.database.migration_costs import Blocked, TableSize, cost_of

GIGABYTE = TableSize(rows=10_000_000, bytes=10**9)


@pytest.mark.parametrize(
    ("statement", "blocked", "seconds"),
    [
        ('CREATE TABLE "t2" ("id" bigint)', Blocked.NOBODY, 0.1),
        ('CREATE INDEX "i" ON "t" ("a")', Blocked.WRITERS, 25.1),
        ('CREATE INDEX CONCURRENTLY "i" ON "t" ("a")', Blocked.NOBODY, 25.1),
        ('CREATE INDEX "i" ON "small" ("a")', Blocked.NOBODY, 0.1),
        ('ALTER TABLE "t" ADD COLUMN "a" integer NULL', Blocked.EVERYBODY, 0.1),
        ('ALTER TABLE "t" ADD COLUMN "a" integer DEFAULT 0 NOT NULL', Blocked.EVERYBODY, 0.1),
        ('ALTER TABLE "t" ADD COLUMN "a" uuid DEFAULT gen_random_uuid()', Blocked.EVERYBODY, 40.1),
        ('ALTER TABLE "t" ALTER COLUMN "a" TYPE bigint USING "a"::bigint', Blocked.EVERYBODY, 40.1),
        ('ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL', Blocked.EVERYBODY, 5.1),
        ('ALTER TABLE "t" ADD CONSTRAINT "c" CHECK ("a" > 0)', Blocked.EVERYBODY, 5.1),
        ('ALTER TABLE "t" ADD CONSTRAINT "c" CHECK ("a" > 0) NOT VALID', Blocked.EVERYBODY, 0.1),
        ('ALTER TABLE "t" VALIDATE CONSTRAINT "c"', Blocked.NOBODY, 5.1),
        ('ALTER TABLE "t" ADD CONSTRAINT "c" UNIQUE ("a")', Blocked.EVERYBODY, 25.1),
        ('ALTER TABLE "t" DROP COLUMN "a" CASCADE', Blocked.EVERYBODY, 0.1),
        ('UPDATE "t" SET a = 1', Blocked.WRITERS, 40.1),
        ("ALTER TABLE t\n    ALTER COLUMN a TYPE text", Blocked.EVERYBODY, 40.1),
    ],
)
def test_a_statement_blocks_and_takes(statement: str, blocked: Blocked, seconds: float) -> None:
    """With a gigabyte in the table; a table that is new or empty costs a moment."""
    [step] = cost_of([statement], {"t": GIGABYTE})
    assert step.blocked == blocked
    assert step.seconds == pytest.approx(seconds)
