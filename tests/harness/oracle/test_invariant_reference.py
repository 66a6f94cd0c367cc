"""Tests of `harness.oracle.invariant_reference`: names of shipped checks, and functions of the user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.model.errors import InvariantLoadError
from harness.oracle.invariant_reference import by_name, is_known, load_invariant, register
from harness.oracle.invariants import INVARIANTS, Acknowledged, Invariant

MODULE = """
LIMIT = 3

def too_long(content, acknowledged):
    return "too long" if len(content) > LIMIT else ""

def never(content, acknowledged):
    return ""

def _hidden(content, acknowledged):
    return ""
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    path = tmp_path / "my_checks.py"
    path.write_text(MODULE)
    return str(path)


@pytest.mark.parametrize("name", list(INVARIANTS))
def test_a_shipped_check_is_found_by_its_name(name: str) -> None:
    assert load_invariant(name) == name
    assert load_invariant(name, each_step=True) == f"{name}@step"
    assert by_name([name, f"{name}@step"]) == [
        Invariant(name, INVARIANTS[name]),
        Invariant(name, INVARIANTS[name], each_step=True),
    ]


def test_a_shipped_check_needs_no_loading() -> None:
    assert by_name(["linear_parents"]) == [Invariant("linear_parents", INVARIANTS["linear_parents"])]


def test_a_function_of_a_file_is_found_once_loaded(module: str) -> None:
    reference = f"{module}:too_long"
    name = load_invariant(reference, each_step=True)
    (found,) = by_name([name])
    assert (found.name, found.each_step) == (reference, True)
    assert found.check([b""] * 4, ()) == "too long"
    assert found.check([b""] * 3, ()) == ""


@pytest.mark.parametrize("name", ["unknown", "unknown@step", "missing.py:rule"])
def test_an_invariant_that_was_not_loaded_is_an_error(name: str) -> None:
    with pytest.raises(InvariantLoadError, match=f"^{name.removesuffix('@step')}: .* not loaded"):
        by_name(["unique_ids", name])


def test_loading_a_function_makes_its_reference_known(module: str) -> None:
    reference = f"{module}:never"
    assert not is_known(reference)
    load_invariant(reference)
    assert is_known(reference) and is_known("one_header") and not is_known("two_headers")


def test_a_function_of_an_installed_module_is_found() -> None:
    (found,) = by_name([load_invariant("harness.oracle.invariants:unique_ids")])
    assert found.check is INVARIANTS["unique_ids"]


def _mine(content: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    return "mine"


def test_a_registered_function_is_found_by_the_name_it_got() -> None:
    name = register("an adapter's", _mine, each_step=True)
    assert by_name([name]) == [Invariant("an adapter's", _mine, each_step=True)]


@pytest.mark.parametrize("reference", ["unique_id", ":name", "module:"])
def test_a_reference_that_names_no_module_lists_the_shipped_ones(reference: str) -> None:
    with pytest.raises(InvariantLoadError) as caught:
        load_invariant(reference)
    assert str(caught.value) == (
        f"{reference}: unknown invariant; expected one of {', '.join(INVARIANTS)}, path/file.py:function or "
        "package.module:function"
    )


@pytest.mark.parametrize("name", ["too_short", "LIMIT"])
def test_a_missing_function_lists_those_that_are_there(module: str, name: str) -> None:
    with pytest.raises(InvariantLoadError) as caught:
        load_invariant(f"{module}:{name}")
    assert str(caught.value) == (
        f"{module}:{name}: the module has no function {name}; functions there: never, too_long"
    )


def test_a_module_without_functions_is_said_to_have_none(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("")
    with pytest.raises(InvariantLoadError, match="has no function f; no function is defined there"):
        load_invariant(f"{path}:f")


@pytest.mark.parametrize(("text", "said"), [(None, "no file"), ("1 / 0", "ZeroDivisionError")])
def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "broken.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvariantLoadError, match=rf"broken\.py:f: .*{said}"):
        load_invariant(f"{path}:f")
