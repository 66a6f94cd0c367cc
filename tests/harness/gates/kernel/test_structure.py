"""Rules for the modules of the kernel gate, checked on their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness.gates.kernel
from harness.gates.kernel.syscall_handlers import HANDLERS
from harness.gates.kernel.syscall_table import CALLS

PACKAGE = "harness.gates.kernel"
FOLDER = Path(harness.gates.kernel.__file__).parent
TREES = {path.stem: ast.parse(path.read_text()) for path in sorted(FOLDER.glob("*.py"))}
LINES_MAX, FUNCTION_LINES_MAX = 400, 70
#: Modules that receive notifications, wait, or answer.
LOOP = {"notifications", "single_process", "process_scheduler", "fast_path", "step_wait", "steps", "gate"}


def imports(tree: ast.Module) -> set[str]:
    """Modules of the package that a module imports, under TYPE_CHECKING too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            found.add(node.module.removeprefix(f"{PACKAGE}."))
        elif isinstance(node, ast.Import):
            prefix = f"{PACKAGE}."
            found |= {name.name.removeprefix(prefix) for name in node.names if name.name.startswith(prefix)}
    return found


def reachable(start: str) -> set[str]:
    """Modules of the package that a module imports, directly or not."""
    found: set[str] = set()
    left = [start]
    while left:
        for module in imports(TREES[left.pop()]) - found:
            found.add(module)
            left.append(module)
    return found


def targets(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the targets of assignments and deletions, tuples taken apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            left = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
            left = [node.target]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            left = [node.optional_vars]
        else:
            continue
        while left:
            target = left.pop()
            if isinstance(target, ast.Tuple | ast.List):
                left += target.elts
            elif isinstance(target, ast.Starred):
                left.append(target.value)
            else:
                yield target


def foreign_assignments(trees: dict[str, ast.Module]) -> list[str]:
    """Attributes, or items of attributes, that are assigned outside the module of their class."""
    owners: dict[str, set[str]] = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for part in ast.walk(node):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and _is_self(part):
                    owners.setdefault(part.attr, set()).add(module)
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    owners.setdefault(field.target.id, set()).add(module)
    found = []
    for module, tree in trees.items():
        for target in targets(tree):
            part: ast.expr = target
            while isinstance(part, ast.Subscript):
                part = part.value
            if not isinstance(part, ast.Attribute) or _is_self(part):
                continue
            if owners.get(part.attr) != {module}:
                found.append(f"{module}:{target.lineno}: {ast.unparse(target)}")
    return found


def _is_self(part: ast.Attribute) -> bool:
    return isinstance(part.value, ast.Name) and part.value.id == "self"


def test_objects_of_other_modules_change_only_through_their_methods() -> None:
    assert foreign_assignments(TREES) == []


def test_the_rule_about_assignments_finds_each_form() -> None:
    owner = "class A:\n    def __init__(self):\n        self.x = 0\n        self.y = {}\n"
    for code in ("a.x = 1", "a.x += 1", "a.x, b = 1, 2", "a.y[0] = 1", "del a.y[0]", "a.b.x = 1"):
        trees = {"owner": ast.parse(owner), "other": ast.parse(code)}
        assert len(foreign_assignments(trees)) == 1, code
        assert foreign_assignments({"owner": ast.parse(owner + code)}) == [], code


@pytest.mark.parametrize("module", TREES)
def test_no_module_imports_itself_by_way_of_others(module: str) -> None:
    assert module not in reachable(module)


def test_handlers_import_neither_the_loop_nor_the_waits() -> None:
    assert reachable("syscall_handlers").isdisjoint(LOOP)


def test_handlers_leave_the_answer_to_the_loop() -> None:
    for module in ("file_calls", "process_calls", "syscall_handlers"):
        names = {node.id for node in ast.walk(TREES[module]) if isinstance(node, ast.Name)}
        assert names.isdisjoint({"respond", "ioctl"}), module


def test_every_trapped_call_has_a_handler() -> None:
    assert set(HANDLERS) == {call.name for call in CALLS.values()}


@pytest.mark.parametrize("module", TREES)
def test_modules_and_functions_keep_to_their_size(module: str) -> None:
    assert len((FOLDER / f"{module}.py").read_text().splitlines()) <= LINES_MAX
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES_MAX, node.name
