"""The program that `sandbox.py` runs: limits itself, then renders the templates of its input.

Input is JSON, `{"templates": {name: source}, "values": {...}}`. Output is a line of JSON for each
template, `{"name", "text"}` or `{"name", "problem"}`. If the kernel ends the program, the first
template without a line exceeded the limits. It imports nothing from Digest.
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
# Makes Python and Jinja do their late imports while files can still be opened.
WARM_UP = (
    r"{{ '\n' | pprint | tojson | urlize }}{% for x in [1] %}{{ loop.index }}{% endfor %}",
    "{{ 1/0 }}",
)


def main() -> None:
    """Read, render, answer."""
    request = json.load(sys.stdin)
    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)
    environment.globals.pop("lipsum")
    for source in WARM_UP:
        render(environment, source, {})
    limit_resources()
    for name, source in request["templates"].items():
        answer = {"name": name} | render(environment, source, request["values"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def limit_resources() -> None:
    """Limit this process's time, memory, files and core dumps, irrevocably."""
    for resource_id, limit in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(resource_id, (limit, limit))
        except (ValueError, OSError):  # macOS has no limit for address space; the others apply
            continue


def render(
    environment: ImmutableSandboxedEnvironment, source: str, values: Mapping[str, Any]
) -> dict[str, str]:
    """Return the text, or the problem in words for an editor."""
    try:
        pieces, length = [], 0
        for piece in environment.from_string(source).generate(values):
            length += len(piece)
            if length > LONGEST:
                return {"problem": f"it produces more than {LONGEST} characters."}
            pieces.append(piece)
        return {"text": "".join(pieces)}
    except MemoryError:
        return {"problem": "it takes too much memory."}
    except (RecursionError, OverflowError):
        return {"problem": "a number is too large, or the template is nested too deeply."}
    except TemplateError as problem:
        line = getattr(problem, "lineno", None)
        return {"problem": str(problem.message) + (f" (line {line})." if line else ".")}
    except Exception as problem:  # noqa: BLE001  an expression may raise anything
        return {"problem": f"{problem}."}


if __name__ == "__main__":
    main()
