"""The plan of the house, written from the code: which packages and modules there are.

`python -m tests.plan` brings docs/modules.md and the table in docs/architecture.md up to date. What
a package and a module are for is the first line of their docstring.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
MODULES = ROOT / "docs" / "modules.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- packages: make plan -->\n", "<!-- /packages -->\n"
INTRODUCTION = """\
# Modules

Each module and its job, from the first line of its docstring. `make plan` writes this page, and a
test fails when it is out of date. [architecture.md](architecture.md) says how they work together.
"""


class Package(NamedTuple):
    """A package of the top level, with all that is below it."""

    name: str  # "digest.sending"
    job: str
    modules: dict[Path, str]  # relative to the root; jobs by path, in order
    lines: int

    @property
    def folders(self) -> dict[Path, list[Path]]:
        """The modules of each folder, `__init__` not counted."""
        folders: dict[Path, list[Path]] = {}
        for path in self.modules:
            folders.setdefault(path.parent, []).append(path)
        return folders


def packages() -> list[Package]:
    """Return the packages of `digest`, in the order of their names, and `workers`."""
    folders = [path.parent for path in (ROOT / "digest").glob("*/__init__.py")]
    return [_package(folder) for folder in [*sorted(folders), ROOT / "workers"]]


def modules_page() -> str:
    """Return docs/modules.md as it should be."""
    return INTRODUCTION + "".join(_section(package) for package in packages())


def packages_table() -> str:
    """Return the table of docs/architecture.md as it should be."""
    rows = [
        f"| `{package.name}` | {package.job} | {len(package.modules)} | {package.lines:,} |\n"
        for package in packages()
    ]
    return "| package | one job | modules | lines |\n| --- | --- | ---: | ---: |\n" + "".join(rows)


def main() -> None:
    """Bring both pages up to date."""
    MODULES.write_text(modules_page())
    text = ARCHITECTURE.read_text()
    block = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    ARCHITECTURE.write_text(block.sub(lambda _: BEGIN + packages_table() + END, text))


def job_of(path: Path) -> str:
    """Return the first line of a module's docstring; blank without one."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n", 1)[0]


def _package(folder: Path) -> Package:
    paths = sorted(_code(folder), key=lambda path: (len(path.parts), path))
    modules = {path.relative_to(ROOT): job_of(path) for path in paths if path.name != "__init__.py"}
    lines = sum(path.read_text().count("\n") for path in paths)
    name = ".".join(folder.relative_to(ROOT).parts)
    return Package(name, job_of(folder / "__init__.py"), modules, lines)


def _code(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if "migrations" not in path.parts)


def _section(package: Package) -> str:
    parts = [f"\n## {package.name}\n\n{package.job}\n"]
    for folder, paths in package.folders.items():
        if folder != Path(*package.name.split(".")):
            parts.append(f"\n**{folder}/** {job_of(ROOT / folder / '__init__.py')}\n")
        parts.append("\n| module | job |\n| --- | --- |\n")
        parts += [f"| {path.stem} | {package.modules[path]} |\n" for path in paths]
    return "".join(parts)


if __name__ == "__main__":
    main()
