"""Name what decoding raises for bytes that any program may have written."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["UNREADABLE"]

#: Bytes that are no text, no document, not the one that was expected, or nested too deep to be read.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
