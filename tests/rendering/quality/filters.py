"""Which rules of spam filters the mails of the samples match, with their scores.

`python -m tests.services python -m tests.rendering.quality.filters` prints a table. SpamAssassin
and rspamd judge only what a message itself says: tests that ask the network are off.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping

import django

django.setup()  # the models of unsaved issues, before these are imported:

from tests.rendering.mails import INES  # noqa: E402
from tests.rendering.quality.issues import in_each_design  # noqa: E402

# Of a mail that no server has received yet.
UNSENT = frozenset({"NO_RECEIVED", "NO_RELAYS", "ALL_TRUSTED", "MISSING_RECEIVED"})
Scores = Mapping[str, float]


def spamassassin(message: bytes) -> Scores:
    """Return the rules that SpamAssassin finds, without network tests."""
    command = ["spamassassin", "--local", "--test-mode"]
    output = subprocess.run(command, input=message, capture_output=True, check=True).stdout.decode()
    table = output.rpartition("---- ----------------------")[2]
    return {
        rule: float(score)
        for score, rule in re.findall(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)", table, re.MULTILINE)
    }


def rspamd(message: bytes) -> Scores:
    """Return the symbols that a running rspamd finds."""
    command = ["rspamc", "--json", "symbols"]
    output = subprocess.run(command, input=message, capture_output=True, check=True).stdout
    symbols = json.loads(output)["symbols"]
    return {name: symbol["score"] for name, symbol in symbols.items()}


FILTERS = {"spamassassin": spamassassin, "rspamc": rspamd}


def main() -> None:
    """Print each rule with its score and the number of mails that match it."""
    for command, judge in FILTERS.items():
        if not shutil.which(command):
            sys.stdout.write(f"{command} is not installed.\n")
            continue
        totals, matches, scores = [], Counter[str](), dict[str, float]()
        for sample in in_each_design():
            rule_scores = judge(sample.compile().message(INES))
            totals.append(sum(rule_scores.values()))
            matches.update(rule_scores.keys())
            scores |= rule_scores
        sys.stdout.write(f"{command}: {len(totals)} mails, score at most {max(totals):.1f}\n")
        for rule, count in matches.most_common():
            if scores[rule]:
                sys.stdout.write(f"| {rule} | {scores[rule]:+.1f} | {count} |\n")


if __name__ == "__main__":
    main()
