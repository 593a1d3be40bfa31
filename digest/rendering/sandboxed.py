"""The program that `sandbox.py` runs: bounds itself, then renders what it reads from its input.

Input is JSON, `{"templates": {name: source}, "values": {...}}`. Output is a line of JSON for each
template, `{"name", "text"}` or `{"name", "problem"}`; when the kernel ends the program, the
template without a line is the one that went too far. It imports nothing of Digest.
"""

import json
import resource
import sys
from collections.abc import Mapping
from typing import Any

from jinja2 import ChainableUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

SECONDS = 1  # of processor time, for all templates
MEMORY = 256 * 1024 * 1024  # of address space, the interpreter included
LONGEST = 20_000  # characters of one template's text
# Makes Python and Jinja import what they import late, while files may still be opened.
WARM_UP = (
    r"{{ '\n' | pprint | tojson | urlize }}{% for x in [1] %}{{ loop.index }}{% endfor %}",
    "{{ 1/0 }}",
)


def main() -> None:
    """Read, render, answer."""
    asked = json.load(sys.stdin)
    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)
    environment.globals.pop("lipsum")
    for source in WARM_UP:
        rendered(environment, source, {})
    bound()
    for name, source in asked["templates"].items():
        answer = {"name": name} | rendered(environment, source, asked["values"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def bound() -> None:
    """Take time, memory, files and core dumps from this process, for good."""
    for limit, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):  # macOS has no limit of address space; the others hold
            continue


def rendered(
    environment: ImmutableSandboxedEnvironment, source: str, values: Mapping[str, Any]
) -> dict[str, str]:
    """Return the text, or the problem in an editor's words."""
    try:
        pieces, length = [], 0
        for piece in environment.from_string(source).generate(values):
            length += len(piece)
            if length > LONGEST:
                return {"problem": f"it makes more than {LONGEST} characters."}
            pieces.append(piece)
        return {"text": "".join(pieces)}
    except MemoryError:
        return {"problem": "it takes too much memory."}
    except (RecursionError, OverflowError):
        return {"problem": "it counts too far, or is nested too deeply."}
    except TemplateError as problem:
        line = getattr(problem, "lineno", None)
        return {"problem": str(problem.message) + (f" (line {line})." if line else ".")}
    except Exception as problem:  # noqa: BLE001  an expression may raise anything
        return {"problem": f"{problem}."}


if __name__ == "__main__":
    main()
