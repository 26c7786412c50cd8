"""House rules that no linter keeps: short files, short functions, honest names, no floats."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("domain", "projections", "replay", "api", "scripts", "tests")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
DOMAIN = [path for path in FILES if path.is_relative_to(ROOT / "domain")]

LONGEST_FILE, LONGEST_FUNCTION = 400, 40  # lines
EMPTY_NAMES = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "manager",
    "misc",
    "util",
    "utils",
}
CLOCKS = {"time", "random", "secrets", "uuid"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    for node in tree(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


def test_modules_are_named_after_what_they_are_about() -> None:
    assert not [
        path for path in FILES if EMPTY_NAMES & {*path.stem.split("_"), path.parent.name}
    ]


@pytest.mark.parametrize("path", DOMAIN, ids=named)
def test_the_domain_has_no_float_no_clock_and_no_chance(path: Path) -> None:
    for node in tree(path):
        at = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), at
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            assert "float" not in ast.unparse(node.annotation), at
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.rpartition(".")[2] not in {"float", "now", "today", "utcnow"}, at
        if isinstance(node, ast.Import):
            assert not CLOCKS & {name.name.partition(".")[0] for name in node.names}, at
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in CLOCKS, at


def test_what_is_released_names_no_place_of_ours() -> None:
    """A path of the machine it was written on, or the address of a package index."""
    places = ("/" + "work/", "/" + "root/", "py" + "pi.org", "pythonhosted" + ".org")
    names = ("*.md", "*.toml", "*.txt", "*.sql", "*.json", "scripts/*", ".ci/*")
    released = {path for name in names for path in ROOT.glob(name)} | set(FILES)
    for path in sorted(path for path in released if path.is_file()):
        text = path.read_text()
        assert not [place for place in places if place in text], named(path)
