"""Members of a user's file are drawn where the user has given the file, and only there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from harness.extensions import load_extension
from harness.oracle.invariants import INVARIANTS
from harness.scenario import load_data
from harness.scenario.actions import ACTIONS
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.roles import ROLES
from harness.tools.fuzz.additions import Additions, additions_of
from harness.tools.fuzz.scenario_strategies import fault_of, scenarios

HEAD = {"name": "drawn", "about": "drawn", "source": "drawn", "expect": {}}
FILE = """\
from dataclasses import dataclass
from typing import Literal

from takeover_harness import Action, Extension, LaneSettings, Op, ProcessFault, Role, Size


@dataclass(frozen=True, kw_only=True)
class Plain(LaneSettings):
    role: Literal["plain"]


@dataclass(frozen=True, kw_only=True)
class Demanding(LaneSettings):
    role: Literal["demanding"]
    folder: str


def draw(settings, rng, ids):
    return (Op("acquire", group=1), Op("release", group=1))


def a_rule(lines, acknowledged):
    \"\"\"Say nothing.\"\"\"


EXTENSION = Extension(
    roles=[
        Role("plain", "looks", True, Plain, draw, lambda settings: Size(2, 0)),
        Role("demanding", "looks", True, Demanding, draw, lambda settings: Size(2, 0)),
    ],
    actions=[Action("an-act", "does nothing", "none", print)],
    faults=[ProcessFault("nap", "stands still", "ms", print, "{process} napped for {note}", "nap", (300,))],
    invariants=[a_rule],
)
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[str]:
    """A file of the user's, loaded into this process for one test."""
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    load_extension(str(path))
    yield str(path)
    for registry, names in (
        (ROLES, ("plain", "demanding")),
        (ACTIONS, ("an-act",)),
        (PROCESS_FAULTS, ("nap_ms",)),
        (INVARIANTS, ("a_rule",)),
    ):
        for name in names:
            registry.remove(name)


def _draws(strategy: st.SearchStrategy[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    many = settings(database=None, deadline=None, max_examples=count, phases=[Phase.generate])
    with pytest.raises(NoSuchExample):
        find(strategy, lambda data: bool(found.append(data)), settings=many, random=random.Random(1))
    return found


def _parts(drawn: list[dict[str, Any]]) -> tuple[set[str], set[str], set[str]]:
    """Return the roles, actions and keys of faults in some scenarios."""
    lanes = [lane for data in drawn for lane in data["lanes"]]
    return (
        {lane["role"] for lane in lanes if isinstance(lane["role"], str)},
        {name for lane in lanes for name in lane.get("actions", ())},
        {key for data in drawn for fault in data.get("faults", ()) for key in fault},
    )


def test_members_of_a_given_file_are_drawn(file: str) -> None:
    added = additions_of([file])
    assert added == Additions((file,), ("plain",), ("an-act",), ("nap_ms",), ("a_rule",), ("demanding",))
    drawn = _draws(scenarios("coordinated", added), 150)
    roles, actions, _ = _parts(drawn)
    assert "plain" in roles and "an-act" in actions and "demanding" not in roles
    assert any("nap_ms" in fault for fault in _draws(fault_of([{"role": "runner"}], added), 60))
    for data in drawn[::25]:
        scenario = load_data({**HEAD, **data})
        assert scenario.extensions == (file,)
        assert [one.check for one in scenario.invariants] == ["a_rule"]


def test_a_loaded_file_changes_no_draw_by_itself(file: str) -> None:
    assert additions_of([]) == Additions()
    roles, actions, faults = _parts(_draws(scenarios("coordinated"), 100))
    assert roles <= set(ROLES.built_in) and actions <= set(ACTIONS.built_in) and faults
    assert "nap_ms" not in faults
