"""Scripts that other sites load: a file of ours, called with options of a newsletter."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpResponse

from digest import web


def script_response(
    names: Sequence[str], function: str, options: Mapping[str, Any]
) -> HttpResponse:
    """Return a script for any site: files, what they draw with, and a call of `function`.

    `options` are JSON values; the option `styles` names a style sheet, whose text is passed.
    """
    values = {**options, "style": read_static(str(options["styles"]))}
    functions = "\n".join(map(read_static, ("drawing.js", *names)))
    body = f"(() => {{\n{functions}\n{function}({_as_literal(values)});\n}})();\n"
    response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _as_literal(options: Mapping[str, Any]) -> str:
    """Return options as a JavaScript literal that cannot end the script element."""
    return json.dumps(options).replace("<", "\\u003c")


@cache
def read_static(name: str) -> str:
    """Return the text of a file of the public pages."""
    return (Path(web.__file__).parent / "static" / "web" / name).read_text()
