"""A decorator for classes of compiled modules of which uncompiled modules derive classes.

The compiler knows it by the place where `mypy_extensions` defines it. Where the modules run, compiled or
not, that package is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["mypyc_attr"]

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_):
        """Return a decorator that leaves a class as it is."""
        return lambda decorated: decorated
