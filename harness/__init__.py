"""Runs real processes against one transcript under a scheduler and judges the fences that watch it."""

import _signal  # type: ignore[import-not-found]  # built in; `signal` stands on it
import sys

__all__ = ["VERSION"]

#: Read by the build, see `[tool.hatch.version]`.
__version__ = "0.1.0"
VERSION = __version__

#: The signal mask before `python -m harness` changed it; None where the package is imported by others.
_mask_before = None

# The interpreter imports this first, then `__main__`. A Ctrl-C in between would end in a traceback of the
# interpreter, so it waits until `__main__` has a handler. The module `signal` is not loaded yet, and its
# import would leave the door open for a while longer.
if (
    sys.platform == "linux"
    and sys.argv[:1] == ["-m"]
    and sys.orig_argv[-len(sys.argv)] in ("harness", "-mharness")
):
    _mask_before = _signal.pthread_sigmask(
        _signal.SIG_BLOCK, (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
    )

from takeover_harness.compiled import install  # noqa: E402  # not before signals wait

# Before any module of ours is imported that may be compiled.
install()
