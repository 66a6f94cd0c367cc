"""The one name of ours that no other package has.

`harness` and `fence` are common names, and a user may have packages that are called so. This package leads
to ours in any folder: ``python -m takeover_harness`` and the script ``takeover-harness`` start the harness,
`takeover_harness.pytest_plugin` is what pytest loads, and a fence whose folder has a ``fence`` of its own
imports what it extends from here::

    from takeover_harness import Fence, TakeoverError, append_lines, read_all

The names that a file with roles, actions and so on needs (docs/your-runtime.md) are here as well::

    from takeover_harness import Extension, Op, Role
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in; `signal` stands on it
import os
import sys
from typing import Any

__all__ = [
    "POLICIES",
    "Action",
    "CountRange",
    "Entry",
    "Extension",
    "Fence",
    "Ids",
    "LaneSettings",
    "LockTimeoutError",
    "LockedSettings",
    "Op",
    "Policy",
    "ProcessFault",
    "Role",
    "Size",
    "StaleLockError",
    "Strategy",
    "TakeoverError",
    "append_lines",
    "draw_locked",
    "highest",
    "pick",
    "read_all",
    "waits",
]

_FROM = {
    "Fence": "fence.protocol",
    "LockTimeoutError": "fence.errors",
    "StaleLockError": "fence.errors",
    "TakeoverError": "fence.errors",
    "POLICIES": "harness.model.policy",
    "Action": "harness.scenario.actions",
    "CountRange": "harness.scenario.roles.role",
    "Entry": "harness.model.program",
    "Extension": "harness.extensions",
    "Ids": "harness.scenario.roles",
    "LaneSettings": "harness.scenario.roles",
    "LockedSettings": "harness.scenario.roles.participant",
    "Op": "harness.model.program",
    "Policy": "harness.model.policy",
    "ProcessFault": "harness.scenario.faults",
    "Role": "harness.scenario.roles",
    "Size": "harness.scenario.roles.role",
    "Strategy": "harness.strategies.strategy",
    "draw_locked": "harness.scenario.roles.participant",
    "highest": "harness.scenario.roles.role",
    "pick": "harness.scenario.roles.role",
    "waits": "harness.scenario.roles.role",
    "append_lines": "fence.transcript",
    "read_all": "fence.transcript",
    "__version__": "harness",
}
#: The signal mask before the harness was started by this name; None where the package is imported by others.
mask_before: Any = None

# As `harness` does it for `python -m harness`: a Ctrl-C waits until there is a handler for it.
if sys.platform == "linux" and (
    os.path.basename(sys.argv[0]) == "takeover-harness"
    or (
        sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] in ("takeover_harness", "-mtakeover_harness")
    )
):
    mask_before = _signal.pthread_sigmask(
        _signal.SIG_BLOCK, (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
    )


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    from takeover_harness.own_packages import ours

    with ours():
        return getattr(importlib.import_module(_FROM[name]), name)
