"""Render the templates that editors write (subject, preheader) in a sandbox.

A Jinja template can use any amount of time and memory (`{{ 'a' * 300000000 }}`, nested loops,
`|center`), and no list of forbidden operators is ever complete. So the templates run in a
short-lived process of their own (`sandboxed.py`): the kernel limits its time and memory, it has
Jinja's immutable sandbox, plain values instead of models and an empty environment, and it cannot
open files. It takes about a tenth of a second, once per issue.

A template that only names values, as most do (`{{ stories[0].title }}`), needs no Jinja and none of
this: the values are put in its place here.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digest.rendering.errors import EditorTemplateError, RenderingError

LONGEST_TEMPLATE = 10_000  # characters
_NAME = re.compile(r"\{\{ *([a-z]+(?:\.[a-z]+|\[[0-9]{1,3}\])*) *\}\}", re.ASCII)
_STEP = re.compile(r"[a-z]+|[0-9]+", re.ASCII)
_NEEDS_JINJA = frozenset("{}\r\n")  # it changes line ends
_SCRIPT = Path(__file__).with_name("sandboxed.py")
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
    texts = {name: _with_named_values(source, values) for name, source in templates.items()}
    dynamic = {name: source for name, source in templates.items() if texts[name] is None}
    answers = _run(dynamic, values) if dynamic else {}
    return {
        name: _text(name, answers.get(name)) if text is None else text
        for name, text in texts.items()
    }


def _with_named_values(source: str, values: Mapping[str, Any]) -> str | None:
    """Return the text of a template that only names values; None if it needs Jinja."""
    if "{" not in source:
        return source
    texts = {match[0]: _named_value(match[1], values) for match in _NAME.finditer(source)}
    if None in texts.values() or not _NEEDS_JINJA.isdisjoint(_NAME.sub("", source)):
        return None
    text = _NAME.sub(lambda match: texts[match[0]] or "", source)
    return text if len(text) <= LONGEST_TEMPLATE else None


def _named_value(name: str, values: Mapping[str, Any]) -> str | None:
    """Return a text or number as Jinja writes it; None for anything else, and what is missing."""
    first, *steps = _STEP.findall(name)
    value = values.get(first)
    for step in steps:
        if hasattr(value, step):  # to Jinja, a method such as `items` comes before a key
            return None
        try:
            value = value[int(step) if step.isdigit() else step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return str(value) if isinstance(value, str | int | float) else None


def _run(templates: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the program's answers, for each template that it reached."""
    request = json.dumps({"templates": dict(templates), "values": dict(values)})
    try:
        process = subprocess.run(  # noqa: S603  our own interpreter and file
            [sys.executable, "-I", "-X", "utf8", str(_SCRIPT)],
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
