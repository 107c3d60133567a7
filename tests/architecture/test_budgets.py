"""Budgets of the house: small files, short functions, imports at the top, annotations, docstrings, honest names.

Tests and benchmarks have wider limits: a table of cases or a play in one act is not better for being cut in two.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import PRODUCT, Source, files, sources

LINES_OF_FILE = {True: 300, False: 400}
LINES_OF_FUNCTION = {True: 40, False: 60}

# file -> why something in it has to be imported later than at the top
IMPORTED_LATE: dict[str, str] = {}

# Bodies of the wire as Pydantic models, whose fields say it all; and revisions, which all have the same two functions.
SELF_EXPLAINING = re.compile(r"models\.py$|/migrations/")

EMPTY_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "common", "misc"}
EMPTY_FILES = {"base.py", "data.py", "info.py", "core.py", "models.py", "tools.py"}
# Named by what they are in the wire dialect: models of its bodies.
ALLOWED_FILES = {"shared/service/web/dialect/models.py", "shared/service/web/native/models.py"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: Source) -> Iterator[Function]:
    """Every function and method of a file."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield node


def faults(found: Iterator[str]) -> None:
    """Fail with all of them."""
    listed = sorted(found)
    assert not listed, "\n".join(listed)


def test_files_are_small():
    counted = ((source, len(source.text.splitlines())) for source in sources())
    faults(f"{one.name}: {lines} lines" for one, lines in counted if lines > LINES_OF_FILE[one.product])


def test_functions_are_short():
    counted = (
        (source, node, (node.end_lineno or 0) - node.lineno + 1) for source in sources() for node in functions(source)
    )
    faults(
        f"{one.name}:{node.lineno} {node.name}: {lines} lines"
        for one, node, lines in counted
        if lines > LINES_OF_FUNCTION[one.product]
    )


def test_imports_stand_at_the_top():
    late = {
        source.name
        for source in sources()
        if source.product
        for node in functions(source)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }
    assert late == set(IMPORTED_LATE)


def test_every_reason_for_a_late_import_is_given():
    assert all(len(reason) > 20 for reason in IMPORTED_LATE.values())


def test_public_functions_are_annotated():
    faults(
        f"{source.name}:{node.lineno} {node.name}"
        for source in sources()
        if source.product
        for node in functions(source)
        if not node.name.startswith("_") and not _annotated(node)
    )


def _annotated(node: Function) -> bool:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    given += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
    named = [one for one in given if one.arg not in ("self", "cls")]
    return node.returns is not None and all(one.annotation is not None for one in named)


def test_every_module_says_what_it_is_for():
    silent = (one for one in sources() if one.text.strip() and not ast.get_docstring(one.tree))
    faults(one.name for one in silent)


def test_public_functions_and_classes_say_what_they_do():
    faults(
        f"{source.name}:{node.lineno} {node.name}"
        for source in sources()
        if source.product and not SELF_EXPLAINING.search(source.name)
        for node in _outer(source.tree)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    )


def _outer(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes, and the methods of those classes that do more than hand on."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (inner for inner in node.body if isinstance(inner, Function) and len(inner.body) > 1)


def test_names_say_something():
    found = [f"{name}: a file of everything" for name in files() if _says_nothing(name)]
    for source in sources():
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and _words(node.name) & EMPTY_NAMES
            ):
                found.append(f"{source.name}:{node.lineno} {node.name}")
    faults(iter(found))


def _says_nothing(name: str) -> bool:
    parts = name.split("/")
    if parts[0] not in (*PRODUCT, "tests", "benchmarks") or name in ALLOWED_FILES:
        return False
    return parts[-1] in EMPTY_FILES or any(_words(part.partition(".")[0]) & EMPTY_NAMES for part in parts)


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def f():\n    import os\n", "imports"),
        ("def f(x) -> None: ...\n", "annotated"),
        ("def f() -> None:\n" + "    x = 1\n" * 41, "short"),
    ],
)
def test_the_measures_measure(text: str, fault: str):
    tree = ast.parse(text)
    source = Source("shared/x.py", text, tree)
    (node,) = functions(source)
    assert {
        "imports": any(isinstance(one, ast.Import) for one in ast.walk(node)),
        "annotated": not _annotated(node),
        "short": (node.end_lineno or 0) - node.lineno + 1 > LINES_OF_FUNCTION[source.product],
    }[fault]
