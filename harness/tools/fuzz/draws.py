"""Draws that the keys of all lanes share: numbers, ranges, choices; and the name of a drawn lane.

`scenario_strategies` draws whole scenarios with them, `composed_lanes` lanes with a role of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from harness.model.transcript_lines import TYPES

__all__ = ["APPENDED", "HOME", "SHARED", "Data", "Draws", "lane_name", "one_of", "some", "span"]

Data = dict[str, Any]
Draws = dict[str, st.SearchStrategy[Any]]

#: Types that a lane may append; the header is written before the first step.
APPENDED: Final = tuple(kind for kind in TYPES if kind != "session")
#: The runner's process, which other lanes may share.
HOME: Final = "gateway"


def span(low: int, high: int) -> st.SearchStrategy[Any]:
    """Return a strategy of a fixed number, or of lowest and highest."""
    numbers = st.integers(low, high)
    return numbers | st.tuples(numbers, numbers).map(sorted)


def some(items: tuple[str, ...], most: int = 2) -> st.SearchStrategy[list[str]]:
    """Return a strategy of one to `most` of the items."""
    return st.lists(st.sampled_from(items), min_size=1, max_size=most, unique=True)


def one_of(*items: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of the items; the first is the simplest."""
    return st.sampled_from(items)


#: Optional keys of every lane.
SHARED: Final[Draws] = {
    "process": one_of(HOME, "script"),
    "count": st.just(2),
    "delay_steps": span(0, 12),
    "rate": one_of(50, 10, 2),
}


def lane_name(lane: Mapping[str, Any]) -> str:
    """Return the name of a drawn lane: its own, or that of its role."""
    role = lane["role"]
    name: str = lane["name"] if "name" in lane else role if isinstance(role, str) else role["name"]
    return name
