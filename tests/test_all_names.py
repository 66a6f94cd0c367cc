"""Every module says in `__all__` what it offers: no less than it defines, and nothing that is not there."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
#: It is made to be run, and offers nothing.
_PROGRAMS = {"harness.__main__", "takeover_harness.__main__"}
NAMES = sorted(
    {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in ("fence", "harness", "takeover_harness")
        for path in (ROOT / package).rglob("*.py")
    }
    - _PROGRAMS
)


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


def own(name: str) -> set[str]:
    """Public functions and classes that a module defines itself."""
    return {
        key
        for key, value in vars(module(name)).items()
        if not key.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == name
    }


def says(name: str) -> list[str]:
    return list(getattr(module(name), "__all__", []))


def test_there_are_modules_to_look_at() -> None:
    assert len(NAMES) > 100
    assert {"fence.locks.sidecar", "harness.gates.kernel.gate", "harness.cli.run_command"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_a_module_offers_is_there(name: str) -> None:
    offered = says(name)
    assert [key for key in offered if not hasattr(module(name), key)] == []
    assert len(offered) == len(set(offered))


@pytest.mark.parametrize("name", NAMES)
def test_every_public_function_and_class_is_offered(name: str) -> None:
    assert own(name) - set(says(name)) == set()


@pytest.mark.parametrize("name", NAMES)
def test_no_private_name_is_offered(name: str) -> None:
    assert [key for key in says(name) if key.startswith("_")] == []


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {
        path.parent
        for package in ("fence", "harness", "takeover_harness")
        for path in (ROOT / package).rglob("*.py")
    }
    assert [
        str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()
    ] == []
