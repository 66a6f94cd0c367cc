"""Loads the invariants that a stored history names, for `judge`.

They are code, so the rule of `harness.cli.code_permission` holds. A function of a fence is in the
history under the fence's reference; for it the fence is loaded, and nothing of it is run.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Sequence

from harness.cli.code_permission import check_code_of_history
from harness.explore.invariant_loading import is_of_fence, load_of_history
from harness.model.errors import InvariantLoadError, UsageError
from harness.model.history import Header
from harness.oracle.invariant_reference import EACH_STEP, is_known
from harness.scenario.fence_reference import resolve
from harness.system.trial_import import tried

__all__ = ["load_for"]


def load_for(path: str, header: Header, names: Sequence[str], named: Collection[str], allowed: bool) -> None:
    """Load the invariants by which a history is judged into this process.

    Args:
        path: of the history.
        header: of the history.
        names: of the invariants, as a header has them.
        named: references that the user has given.
        allowed: whether all code may be run.

    Raises:
        UsageError: one may not be loaded, or cannot be.
    """
    fence = header.fence
    missing = [name for name in names if not is_known(name.removesuffix(EACH_STEP))]
    if not missing:
        return
    of_fence = any(is_of_fence(name, fence) for name in missing)
    wanted = [fence if is_of_fence(name, fence) else name.removesuffix(EACH_STEP) for name in missing]
    check_code_of_history(path, dict.fromkeys(wanted), named, allowed, fence)

    def load() -> None:
        load_of_history(missing, fence, resolve(fence) if of_fence else None)

    # A user's module may do anything while it is imported: print, exit, hang.
    wrong = tried(load, path, UsageError)
    if wrong:
        raise InvariantLoadError(wrong if wrong.startswith(path) else f"{path}: invariant {wrong}")
    with contextlib.redirect_stdout(sys.stderr):
        load()
