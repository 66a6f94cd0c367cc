"""Name a violation on the page: its kind in words, and the id of its article."""

from __future__ import annotations

__all__ = ["anchor", "kind_name"]


def kind_name(kind: str) -> str:
    """Return the kind with spaces."""
    return kind.replace("_", " ")


def anchor(entry: int, kind: str) -> str:
    """Return the id of a violation on the page."""
    return f"v{entry}-{kind}"
