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


def test_keys_have_pauses_between_that_may_be_drawn() -> None:
    [plain] = draw(tty=True, keys=("x", "<5ms>", "<C-x>"))
    assert (plain.term, plain.keys) == ("xterm", ("<100ms>", "x", "<5ms>", "<100ms>", "<C-x>"))
    [drawn] = draw(tty=True, keys=("x",) * 20, key_ms=(10, 40), term="linux")
    pauses = {int(item[1:-3]) for item in drawn.keys[::2]}
    assert drawn.term == "linux" and len(pauses) > 1 and pauses <= set(range(10, 41))


def test_without_a_terminal_nothing_is_typed() -> None:
    [op] = draw()
    assert (op.term, op.keys) == ("", ())
