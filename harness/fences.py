"""From what a user names as a fence to the class that makes its handles."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys

import fence
from fence.protocol import Fence
from harness.errors import FenceLoadError

__all__ = ["resolve"]


def resolve(reference: str) -> type[Fence]:
    """Load a fence.

    Args:
        reference: a registered name, ``package.module:Class`` or ``path/file.py:Class``.

    Raises:
        FenceLoadError: what the reference leads to is missing, broken or no fence.
    """
    if reference in fence.FENCES:
        return fence.load(reference)
    module_name, colon, class_name = reference.rpartition(":")
    if reference.startswith("exec:"):
        raise FenceLoadError(f"{reference}: fences in other processes are not supported yet")
    if not colon or not module_name or not class_name:
        raise FenceLoadError(_unknown(reference))
    module = _from_file(reference, module_name) if module_name.endswith(".py") else _from_name(reference, module_name)
    found = getattr(module, class_name, None)
    if found is None:
        names = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Fence) and v is not Fence]
        raise FenceLoadError(
            f"{reference}: no {class_name} in {module_name}; "
            + (f"fences there: {', '.join(sorted(names))}" if names else "no fence is defined there")
        )
    if not (isinstance(found, type) and issubclass(found, Fence)):
        raise FenceLoadError(f"{reference}: {class_name} is no subclass of fence.protocol.Fence")
    return found


def _unknown(reference: str) -> str:
    import difflib

    close = difflib.get_close_matches(reference, fence.FENCES, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return (
        f"{reference}: unknown fence{hint} expected a name of `python -m harness list fences`, "
        "package.module:Class or path/file.py:Class"
    )


def _from_name(reference: str, name: str) -> object:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a user's module may raise anything while it is imported
        raise FenceLoadError(f"{reference}: importing {name} failed: {type(error).__name__}: {error}") from error


def _from_file(reference: str, path: str) -> object:
    real = os.path.realpath(path)
    if not os.path.isfile(real):
        raise FenceLoadError(f"{reference}: no file {path}")
    # A name of its own for each path, and the same one in every worker.
    name = f"_fence_{hashlib.sha256(real.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, real)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # as above
        del sys.modules[name]
        raise FenceLoadError(f"{reference}: {path} failed: {type(error).__name__}: {error}") from error
    return module
