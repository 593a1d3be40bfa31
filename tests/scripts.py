"""Python in a process of its own, for what a process does to its surroundings."""

import os
import subprocess
import sys


def run_script(script: str, *, without: str = "", **variables: str) -> str:
    """Run Python code and return what it printed.

    Its environment is ours with these variables, `without` one of ours.
    """
    environment = {name: value for name, value in os.environ.items() if name != without}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return result.stdout
