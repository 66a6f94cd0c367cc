"""Write a caught scenario as YAML in the form of a file that a person would commit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

__all__ = ["as_yaml", "file_stem", "free_stem"]

_WIDTH: Final = 110
_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")
_STEM_MAX: Final = 100
_ABOUT_MAX: Final = 600


def file_stem(fence: str, kind: str) -> str:
    """Return the name of the scenario for a fence and a kind of violation."""
    return f"fuzz-{_UNSAFE.sub('-', fence)[-_STEM_MAX:].strip('-.')}-{kind.replace('_', '-')}"


def free_stem(fence: str, kind: str, taken: set[str]) -> str:
    """Return a `file_stem` that is not taken, because fences of different files may have the same name.

    Args:
        fence, kind: see `file_stem`.
        taken: stems; the new one is added.
    """
    stem, number = file_stem(fence, kind), 2
    while stem in taken:
        stem, number = f"{file_stem(fence, kind)}-{number}", number + 1
    taken.add(stem)
    return stem


def as_yaml(
    data: Mapping[str, Any], fence: str, seed: int, kind: str, detail: str, others: Sequence[str]
) -> str:
    """Return the text of a scenario file.

    Args:
        data: as drawn.
        fence: reference of the fence that it was drawn against.
        seed: that the drawing began with.
        kind: of the violation that was found.
        detail: one sentence about it.
        others: kinds that other schedules of the scenario show.
    """
    words = "".join(letter if letter.isprintable() else " " for letter in detail)[:_ABOUT_MAX]
    expected: Any = {"must": [kind], "may": list(others)} if others else [kind]
    whole = {
        "about": f"Found by fuzzing: {kind.replace('_', ' ')}; {words}",
        "source": f"fuzz, seed {seed}",
        **data,
        "expect": {fence: expected},
    }
    return yaml.safe_dump(whole, sort_keys=False, default_flow_style=None, width=_WIDTH, allow_unicode=True)
