"""Fences with one method that does nothing: `LedgerWithoutAppend`, `NoneWithoutRelease`, and so on."""

from __future__ import annotations

from typing import Any

from fence.ledger import LedgerFence
from fence.none import NoFence
from fence.protocol import Fence

__all__ = ["METHODS", "class_name", "without"]

METHODS = (
    "begin_turn",
    "load",
    "append",
    "release_for_prompt",
    "guarded_write",
    "recover",
    "end_turn",
    "acquire",
    "rewrite",
    "release",
)
_RESULTS = {"load": b""}
_BASES: dict[str, type[Fence]] = {"Ledger": LedgerFence, "None": NoFence}


def class_name(base: str, method: str) -> str:
    """Return the name of the class in this module."""
    return f"{base}Without{method.title().replace('_', '')}"


def without(base: type[Fence], method: str, name: str) -> type[Fence]:
    """Return a subclass whose method does nothing and returns what `pass` does, or no bytes."""

    def passed_out(self: Fence, *arguments: Any) -> Any:
        return _RESULTS.get(method)

    return type(name, (base,), {method: passed_out, "__module__": __name__})


for _base, _fence in _BASES.items():
    for _method in METHODS:
        _name = class_name(_base, _method)
        globals()[_name] = without(_fence, _method, _name)
