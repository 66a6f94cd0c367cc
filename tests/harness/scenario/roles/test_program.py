from __future__ import annotations

import random
from typing import Any

from harness.model.program import Op
from harness.scenario.roles.program import ROLE, ProgramSettings
from harness.scenario.roles.role import Ids

SED = ("sed", "-i", "s/a/b/", "{transcript}")


def draw(**keys: Any) -> tuple[Op, ...]:
    settings = ProgramSettings(role="program", **{"delay_steps": 0, "argv": SED, **keys})
    ops = ROLE.draw(settings, random.Random(1), Ids("program", 10))
    assert len(ops) <= ROLE.size(settings).ops
    return ops


def test_a_program_is_started_the_given_number_of_times() -> None:
    ops = draw(times=3)
    assert [(op.kind, op.how, op.argv, op.group) for op in ops] == [
        ("action", "sed", SED, group) for group in (1, 2, 3)
    ]


def test_it_is_called_by_its_name_without_the_folder() -> None:
    assert draw(argv=("/usr/bin/mv", "a", "b"))[0].how == "mv"


def test_the_lane_waits_before_each_start() -> None:
    ops = draw(times=2, delay_steps=3, pause_ms=20)
    assert [(op.kind, op.steps, op.duration_ms) for op in ops] == 2 * [
        ("think", 3, 0),
        ("pause", 0, 20),
        ("action", 0, 0),
    ]


def test_it_takes_no_lock() -> None:
    assert not ROLE.participant
