"""No modules import each other in a circle, imports for typing alone included."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _modules(package: str) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imported(text: str, modules: set[str]) -> set[str]:
    """Return which of some modules a text imports, wherever in it.

    Args:
        text: source without relative imports.
        modules: their full names.
    """
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found |= {submodule if submodule in modules else node.module} & modules
    return found


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return one circle as a path that ends where it begins; empty where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        path: list[str] = error.args[1]
        return path
    return []


@pytest.mark.parametrize("package", ["harness", "fence"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    modules = _modules(package)
    assert len(modules) > 30
    known = set(modules)
    assert circle({name: imported(path.read_text(), known) for name, path in modules.items()}) == []


def test_a_circle_is_found_also_through_a_typing_import() -> None:
    modules = {"a", "a.b", "c"}
    texts = {
        "a": "import os\n",
        "a.b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from c import C\n",
        "c": "def late():\n    from a import b\n",
    }
    imports = {name: imported(text, modules) for name, text in texts.items()}
    assert imports == {"a": set(), "a.b": {"c"}, "c": {"a.b"}}
    assert set(circle(imports)) == {"a.b", "c"}
    assert circle(imports | {"c": {"a"}}) == []
