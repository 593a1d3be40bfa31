"""Runs the benchmarks named on the command line, or every one: `make bench ARGS=compiled_issue`.

A benchmark is a module of this package with a `main()`. Each runs in a process of its own.
"""

import subprocess
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run them one after the other; return 1 if one failed or is unknown, otherwise 0."""
    existing = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    if unknown := sorted(set(names) - set(existing)):
        print(f"No benchmark is called {', '.join(unknown)}. There are: {', '.join(existing)}.")
        return 1
    return max(_run(name) for name in names or existing)


def _run(name: str) -> int:
    print(f"== {name}", flush=True)
    return int(subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
