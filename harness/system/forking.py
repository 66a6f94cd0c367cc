"""Import `multiprocess` also where no directory for temporary files can be written to.

dill, which it imports, asks for the name of one and fails without. Nothing of the harness writes there.
"""

from __future__ import annotations

import tempfile

try:
    tempfile.gettempdir()
except FileNotFoundError:
    tempfile.tempdir = "/tmp"

# Not before there is a name.
from multiprocess import get_context
from multiprocess.connection import wait

__all__ = ["get_context", "wait"]
