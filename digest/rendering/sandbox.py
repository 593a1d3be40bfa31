"""Renders what editors write (subject, preheader, intro) where it can do no harm.

A Jinja template can ask for any amount of time and memory (`{{ 'a' * 300000000 }}`, nested loops,
`|center`), and no list of forbidden operators is ever complete. So the templates run in a
short-lived process of their own (`sandboxed.py`): the kernel bounds its time and memory, it has
Jinja's immutable sandbox, plain values instead of models, an empty environment, and may open no
files. It takes about a tenth of a second, once for each issue.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digest.rendering.errors import EditorTemplateError, RenderingError

LONGEST_TEMPLATE = 10_000  # characters
_PROGRAM = Path(__file__).with_name("sandboxed.py")
_WALL_SECONDS = (
    15  # the program's own limit is a second of processor time; this is for a busy machine
)


def render(templates: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """Render each template, named for messages, with the same values (anything JSON can carry).

    Raises EditorTemplateError naming the template and saying what is wrong with it.
    """
    for name, source in templates.items():
        if len(source) > LONGEST_TEMPLATE:
            raise EditorTemplateError(
                f"The {name} template is longer than {LONGEST_TEMPLATE} characters."
            )
    written = {name: source for name, source in templates.items() if "{" in source}
    answers = _answers(written, values) if written else {}
    return dict(templates) | {name: _text(name, answers.get(name)) for name in written}


def _answers(templates: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the program answered, for each template it came to."""
    asked = json.dumps({"templates": dict(templates), "values": dict(values)})
    try:
        ended = subprocess.run(  # noqa: S603  our own interpreter and file
            [sys.executable, "-I", "-X", "utf8", str(_PROGRAM)],
            input=asked.encode(),
            capture_output=True,
            timeout=_WALL_SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as cause:
        written = cause.stdout or b""
    except OSError as cause:
        raise RenderingError(f"Editors' templates cannot be rendered: {cause}.") from cause
    else:
        written = ended.stdout
        if ended.returncode == 1 and not written:
            raise RenderingError(f"Editors' templates cannot be rendered: {_last(ended.stderr)}")
    lines = written.decode().split("\n")[:-1]  # a line without its end was cut off
    return {answer["name"]: answer for answer in map(json.loads, lines)}


def _text(name: str, answer: Mapping[str, str] | None) -> str:
    if answer is None:
        raise EditorTemplateError(f"The {name} template takes too much time or memory.")
    if "problem" in answer:
        raise EditorTemplateError(
            f"The {name} template cannot be rendered: {answer['problem'].rstrip('.')}."
        )
    return answer["text"]


def _last(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the program ended without a word."
