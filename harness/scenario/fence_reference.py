"""Load the class of a fence from the reference that a user gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import TypeGuard

import fence
from fence.errors import AdapterError
from fence.external import PREFIX
from fence.locks import KINDS, LockFile
from fence.protocol import Fence
from fence.targets import TargetError, command, is_target
from harness.model.errors import FenceLoadError, UsageError
from harness.model.policy import POLICIES
from harness.scenario.fence_calls import wrong_with

__all__ = ["check", "resolve"]

_SOURCE_CHARS_MAX = 1 << 20
_NODE = (".mjs", ".cjs", ".js", ".ts", ".mts")


def resolve(reference: str) -> type[Fence]:
    """Return the class of a fence.

    Args:
        reference: a registered name, ``package.module:Class``, ``path/file.py:Class``,
            ``exec:COMMAND``, which is started once to ask for its properties, or
            ``openclaw@VERSION`` and the like of `fence.targets`, which stand for a command.

    Raises:
        FenceLoadError: the class is missing, broken or no fence.
    """
    if reference in fence.FENCES:
        return fence.load(reference)
    if reference.startswith(PREFIX):
        return _external(reference, reference.removeprefix(PREFIX))
    try:
        served = command(reference) if is_target(reference) else ""
    except TargetError as error:
        raise FenceLoadError(str(error)) from error
    if served:
        return _external(reference, served)
    module_name, _, class_name = reference.rpartition(":")
    if not module_name or not class_name:
        raise FenceLoadError(_unknown(reference))
    if "/" in module_name and not module_name.endswith(".py"):
        raise FenceLoadError(f"{reference}: {module_name} does not end in .py; give path/file.py:Class")
    # Imported here because most fences are ours.
    from harness.system.user_module import ModuleLoadError, import_user_module

    try:
        module = import_user_module(module_name)
    except ModuleLoadError as error:
        raise FenceLoadError(f"{reference}: {error}") from error
    return _fence_in(module, class_name, reference)


def _external(reference: str, command: str) -> type[Fence]:
    # Imported here because few fences are external.
    from fence.external.proxy import external

    try:
        found = external(command)
    except AdapterError as error:
        raise FenceLoadError(f"{reference}: {error}; see docs/external-fence.md") from error
    _check_claims(found.sound_under, reference)
    return found


def check(reference: str, load_more: Callable[[type[Fence]], object] | None = None) -> None:
    """Check that a fence can be loaded, without loading it into this process.

    A user's module may do anything while it is imported: print, exit, hang. So a child process
    imports it.

    Args:
        reference: of the fence.
        load_more: loads what goes with the fence; called in the child, raises a `UsageError`.

    Raises:
        FenceLoadError: it cannot be loaded, or what goes with it cannot.
    """
    if reference in fence.FENCES and load_more is None:
        return

    def load() -> None:
        found = resolve(reference)
        if load_more is not None:
            load_more(found)

    from harness.system.trial_import import tried

    wrong = tried(load, reference, UsageError)
    if wrong:
        raise FenceLoadError(wrong)


def _unknown(reference: str) -> str:
    import difflib

    close = difflib.get_close_matches(reference, fence.FENCES, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    if reference.endswith(".py"):
        hint = f"it needs the name of a class; {_classes(reference)}"
    if reference.endswith(_NODE):
        hint = f"did you mean exec:'node {reference}'? "
    return (
        f"{reference}: unknown fence; {hint}expected a name of `python -m harness list fences`, "
        "package.module:Class, path/file.py:Class or exec:COMMAND"
    )


def _classes(path: str) -> str:
    """Return a suggestion of a class in the file, found without running it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            names = re.findall(r"^class (\w+)\(", file.read(_SOURCE_CHARS_MAX), re.MULTILINE)
    except OSError:
        return ""
    return f"did you mean {path}:{names[0]}? " if names else ""


def _fence_in(module: ModuleType, class_name: str, reference: str) -> type[Fence]:
    found = getattr(module, class_name, None)
    if not _is_fence(found):
        what = f"has no {class_name}" if found is None else f"has a {class_name} that is no subclass of Fence"
        names = sorted(
            name for name, value in vars(module).items() if _is_fence(value) and value is not Fence
        )
        remedy = f"no fence is defined there; write class {class_name}(Fence), as in docs/fences.md"
        there = f"fences there: {', '.join(names)}" if names else remedy
        raise FenceLoadError(f"{reference}: the module {what}; {there}")
    wrong = wrong_with(found)
    if wrong:
        raise FenceLoadError(f"{reference}: {wrong} (docs/fences.md)")
    try:
        locks = found.declared_locks()
    except (TypeError, ValueError) as error:
        raise FenceLoadError(
            f"{reference}: further_locks {found.further_locks!r}, expected pairs of a lock kind and a path "
            f'pattern, as in (("flock", "{{transcript}}.guard"),): {error}'
        ) from error
    for place, lock in enumerate(locks):
        _check_lock(lock, f"{reference}: further_locks" if place else reference, place == 0)
    _check_claims(found.sound_under, reference)
    if len(set(map(_file_of, locks))) < len(locks):
        raise FenceLoadError(f"{reference}: further_locks: two of the declared locks are the same file")
    return found


def _check_claims(claims: object, reference: str) -> None:
    """Refuse what a fence says of policies if it names none; a scenario may have a policy of its own."""
    if not isinstance(claims, tuple | list) or not all(isinstance(name, str) for name in claims):
        raise FenceLoadError(
            f'{reference}: sound_under {claims!r}, expected names of policies, as in ("coordinated",)'
        )
    for name in claims:
        import difflib

        close = [] if name in POLICIES else difflib.get_close_matches(name, POLICIES, 1, 0.8)
        if close:
            raise FenceLoadError(f"{reference}: sound_under {name!r}: no policy; did you mean {close[0]!r}?")


def _check_lock(lock: LockFile, where: str, main: bool) -> None:
    kind = lock.kind
    key = "lock_kind " if main else "kind "
    try:
        known = kind in KINDS
    except ValueError as error:  # an entry point that cannot be used
        raise FenceLoadError(f"{where}: {key}{kind!r}: {error}") from error
    if not known:
        raise FenceLoadError(f"{where}: {key}{kind!r}, expected one of {', '.join(KINDS)}; see fence.locks")
    fault = lock.fault()
    if fault:
        raise FenceLoadError(f"{where}: {'lock_path' if main else 'path'} {fault}")


def _file_of(lock: LockFile) -> str:
    return lock.beside("t") or f"t{KINDS[lock.kind].suffix}"


def _is_fence(value: object) -> TypeGuard[type[Fence]]:
    return isinstance(value, type) and issubclass(value, Fence)
