"""Load an invariant from the reference that a scenario, a fence or the command line gives."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterable
from types import ModuleType

from harness.model.errors import InvariantLoadError
from harness.oracle.invariants import SHIPPED, Check, Invariant

__all__ = ["EACH_STEP", "by_name", "load_invariant", "register"]

#: What a name in a history ends with where the check is asked after each step.
EACH_STEP = "@step"

_loaded: dict[str, Check] = {}


def load_invariant(reference: str, each_step: bool = False) -> str:
    """Load the function that a reference leads to; return the name that a history is to carry.

    Args:
        reference: a name of `SHIPPED`, ``path/file.py:function`` or ``package.module:function``.
        each_step: whether it is asked after each step that changed the transcript.

    Raises:
        InvariantLoadError: there is no such function, or importing its module failed.
    """
    return register(reference, SHIPPED.get(reference) or _function(reference), each_step)


def by_name(names: Iterable[str]) -> list[Invariant]:
    """Return the invariants that a history names, as far as they are shipped or loaded in this process."""
    found = []
    for name in names:
        reference = name.removesuffix(EACH_STEP)
        check = SHIPPED.get(reference) or _loaded.get(reference)
        if check is not None:
            found.append(Invariant(reference, check, name.endswith(EACH_STEP)))
    return found


def register(name: str, check: Check, each_step: bool = False) -> str:
    """Have `by_name` find a function; return the name that a history is to carry."""
    _loaded[name] = check
    return f"{name}{EACH_STEP}" if each_step else name


def _function(reference: str) -> Check:
    where, _, name = reference.rpartition(":")
    if not where or not name:
        raise InvariantLoadError(
            f"{reference}: unknown invariant; expected one of {', '.join(SHIPPED)}, path/file.py:function "
            "or package.module:function"
        )
    module = _from_file(reference, where) if where.endswith(".py") else _from_name(reference, where)
    found = getattr(module, name, None)
    if not callable(found):
        functions = sorted(
            one for one, value in vars(module).items() if callable(value) and not one.startswith("_")
        )
        there = f"functions there: {', '.join(functions)}" if functions else "no function is defined there"
        raise InvariantLoadError(f"{reference}: the module has no function {name}; {there}")
    check: Check = found
    return check


def _from_name(reference: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a user's module may raise anything while it is imported
        raise InvariantLoadError(f"{reference}: importing {name} failed: {_text(error)}") from error


def _from_file(reference: str, path: str) -> ModuleType:
    real = os.path.realpath(path)
    if not os.path.isfile(real):
        raise InvariantLoadError(f"{reference}: no file {path}; give its path from here")
    name = f"_invariant_{hashlib.sha256(os.fsencode(real)).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, real)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # as above
        del sys.modules[name]
        raise InvariantLoadError(f"{reference}: importing {path} failed: {_text(error)}") from error
    return module


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().replace("\n", " ")
