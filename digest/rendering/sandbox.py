"""Render the templates that editors write (subject, preheader) in a sandbox.

A Jinja template can use any amount of time and memory (`{{ 'a' * 300000000 }}`, nested loops,
`|center`), and no list of forbidden operators is ever complete. So the templates run in a
short-lived process of their own (`sandboxed.py`): the kernel limits its time and memory, it has
Jinja's immutable sandbox, plain values instead of models and an empty environment, and it cannot
open files. It takes about a tenth of a second, once per issue.
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
_WALL_SECONDS = 15  # for a busy machine; the program's own limit is a second of processor time


def render(templates: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """Render each template by name with the same values (anything that JSON can represent).

    Raises EditorTemplateError with the name of the template and the problem.
    """
    for name, source in templates.items():
        if len(source) > LONGEST_TEMPLATE:
            raise EditorTemplateError(
                f"The {name} template is longer than {LONGEST_TEMPLATE} characters."
            )
    dynamic = {name: source for name, source in templates.items() if "{" in source}
    answers = _run(dynamic, values) if dynamic else {}
    return dict(templates) | {name: _text(name, answers.get(name)) for name in dynamic}


def _run(templates: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the program's answers, for each template that it reached."""
    request = json.dumps({"templates": dict(templates), "values": dict(values)})
    try:
        process = subprocess.run(  # noqa: S603  our own interpreter and file
            [sys.executable, "-I", "-X", "utf8", str(_PROGRAM)],
            input=request.encode(),
            capture_output=True,
            timeout=_WALL_SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as cause:
        output = cause.stdout or b""
    except OSError as cause:
        raise RenderingError(f"The editor's templates cannot be rendered: {cause}.") from cause
    else:
        output = process.stdout
        if process.returncode == 1 and not output:
            raise RenderingError(
                f"The editor's templates cannot be rendered: {_last_line(process.stderr)}"
            )
    lines = output.decode().split("\n")[:-1]  # a line without its end is incomplete
    return {answer["name"]: answer for answer in map(json.loads, lines)}


def _text(name: str, answer: Mapping[str, str] | None) -> str:
    if answer is None:
        raise EditorTemplateError(f"The {name} template takes too much time or memory.")
    if "problem" in answer:
        raise EditorTemplateError(
            f"The {name} template cannot be rendered: {answer['problem'].rstrip('.')}."
        )
    return answer["text"]


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the program ended without a message."
