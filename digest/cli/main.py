"""The console entry: finds the services, then dispatches to the management command by name."""

import os
import sys


def main() -> int:
    """Run `digest …`; return the exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
    return 0
