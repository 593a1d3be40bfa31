"""The house keeps to its plan: what docs say stands in the code, and sizes stay within bounds."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests import names, plan

LONGEST_MODULE, LONGEST_FUNCTION, LARGEST_FOLDER = 350, 45, 22  # lines, lines, modules


def code() -> list[Path]:
    """Every module of ours that is not a migration."""
    folders = ("digest", "workers")
    paths = [path for folder in folders for path in (plan.ROOT / folder).rglob("*.py")]
    return [path for path in paths if "migrations" not in path.parts]


def test_every_module_stands_in_the_plan() -> None:
    """`make plan` writes docs/modules.md; a module that is missing there, or gone, fails here."""
    assert plan.MODULES.read_text() == plan.modules_page(), "run `make plan`"


def test_the_table_of_packages_is_complete() -> None:
    """With the package's own words; lines change with every commit and are not compared."""
    table = plan.ARCHITECTURE.read_text().split(plan.BEGIN)[1].split(plan.END)[0]
    rows = [re.split(r" *\| *", line)[1:3] for line in table.splitlines()[2:]]
    assert rows == [[f"`{package.name}`", package.job] for package in plan.packages()]


def test_every_package_and_module_says_its_job() -> None:
    """In the first line of its docstring."""
    silent = [
        path.relative_to(plan.ROOT)
        for path in code()
        if path.read_text().strip() and not plan.job_of(path)
    ]
    assert silent == []


def test_no_name_is_on_the_list() -> None:
    """No module, class, function, argument or variable (tests/names.py)."""
    assert [f"{use.path}:{use.line} {use.name}" for use in names.uses()] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("found = 1", "found"),
        ("def f(_asked): ...", "_asked"),
        ("class ParcelBox: ...", "ParcelBox"),
        ("class Parcelling: ...", ""),
        ("def put_back_rows(): ...", "put_back_rows"),
        ("handle = 1", ""),
        ("for each in (): ...", "each"),
        ("make_reader = 1", "make_reader"),
        ("import x as hook", "hook"),
    ],
)
def test_the_list_is_held_against_bindings(tmp_path: Path, source: str, name: str) -> None:
    """So that the test above can fail."""
    path = tmp_path / "module.py"
    path.write_text(source)
    assert [use.name for use in names.uses_in(path)] == ([name] if name else [])


def test_sizes_stay_within_bounds() -> None:
    """Modules, functions, and the number of modules side by side in a folder."""
    modules = {path: path.read_text().count("\n") for path in code()}
    functions = {
        f"{path.relative_to(plan.ROOT)}:{node.lineno} {node.name}": _length(node)
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    folders = Counter(path.parent for path in modules if path.name != "__init__.py")
    assert {path: size for path, size in modules.items() if size > LONGEST_MODULE} == {}
    assert {name: size for name, size in functions.items() if size > LONGEST_FUNCTION} == {}
    assert {path: size for path, size in folders.items() if size > LARGEST_FOLDER} == {}


def test_standards_name_files_that_exist() -> None:
    """docs/rfcs.md says where each standard is held; paths are below `digest/`, or the root."""
    text = (plan.ROOT / "docs" / "rfcs.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("|")][2:]
    paths = [path for line in table for path in re.findall(r"`([\w./]+/[\w./]*)`", line)]
    missing = [
        path
        for path in paths
        if not (plan.ROOT / "digest" / path).exists() and not (plan.ROOT / path).exists()
    ]
    assert all(re.search(r"\| .*`[\w./]+/[\w./]*`.* \|$", line) for line in table)
    assert missing == []


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1
