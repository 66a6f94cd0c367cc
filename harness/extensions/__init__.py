"""Roles, actions, policies, strategies, faults and invariants of a file of the user's.

A scenario names the file under ``extensions``, or the user gives ``--extension FILE``. The file says in
`EXTENSION` what it adds::

    from harness.extensions import Extension

    EXTENSION = Extension(roles=[INDEXER], invariants=[no_gaps])

`docs/extending.md` has a record of each kind; `docs/your-runtime.md` goes from a runtime to scenarios.
"""

from __future__ import annotations

from harness.extensions.extension import Extension
from harness.extensions.loading import load_extension, load_extensions, tried_extension

__all__ = ["Extension", "load_extension", "load_extensions", "tried_extension"]
