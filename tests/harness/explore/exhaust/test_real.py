"""On real processes one schedule a class shows all that every schedule shows."""

from __future__ import annotations

import contextlib
import ctypes
from collections import Counter
from pathlib import Path

import pytest

from harness.explore.exhaust.dpor import Tree
from harness.explore.exhaust.oracle_dependency import oracle_access_sets
from harness.explore.exhaust.rogue_programs import Programs
from harness.explore.explorer import Explorer
from harness.gates.kernel.gate import KernelGate
from harness.model.history import End, Step
from harness.oracle import judge
from harness.scenario import Scenario, load_data
from tests.harness.gates.kernel.stage import as_explorer

pytestmark = pytest.mark.requires("kernel-gate")


def scenario(*lanes: dict[str, object]) -> Scenario:
    return load_data(
        {
            "name": "small",
            "about": "small enough to try everything",
            "source": "our own",
            "policy": "coordinated",
            "transcript": {"entries": 0},
            "lanes": list(lanes),
            "expect": {},
        },
        where="test",
    )


RUNNER: dict[str, object] = {"role": "runner", "turns": 1, "rounds": 1, "think_steps": 1}
EDITOR: dict[str, object] = {"role": "editor", "times": 1}


def shown(explorer: Explorer, number: int, programs: Programs, tree: Tree) -> Counter[object]:
    """Return how often each judgement came out, with the final transcript."""
    found: Counter[object] = Counter()
    while not tree.exhausted:
        history, _, outcome = explorer.run(programs.program(number), tree, 1, tree.schedules)
        assert not tree.strange
        steps = [event for event in history.events if isinstance(event, Step)]
        tree.learn(oracle_access_sets(steps, history.header.lanes), [lane for lane, _ in outcome.end.waiting])
        if tree.redundant:
            continue
        judgement = judge(history)
        assert not judgement.inconclusive
        last = history.events[-1]
        assert isinstance(last, End)
        decisions = tuple((one.lane, one.op, one.verdict, one.kind) for one in judgement.decisions)
        kinds = tuple(sorted(one.kind for one in judgement.violations))
        found[decisions, kinds, last.final.content] += 1
    return found


@pytest.mark.parametrize(
    ("fence", "action"),
    [
        *(("none", action) for action in ("append-user", "delete", "touch")),
        *(("stat-2026.5.17", action) for action in ("delete", "touch")),
    ],
)
def test_one_schedule_a_class_shows_all_violations(tmp_path: Path, fence: str, action: str) -> None:
    small = scenario(RUNNER, EDITOR | {"actions": [action]})
    programs = Programs(small, 1, 1)
    assert programs.label(1) == action
    core = ctypes.CDLL(None).sched_getcpu()
    with as_explorer(core), contextlib.closing(Explorer(small, fence, "kernel", str(tmp_path))) as explorer:
        assert isinstance(explorer.gate, KernelGate)
        explorer.gate.tells_access_sets = True
        reduced = shown(explorer, 1, programs, Tree())
        every = shown(explorer, 1, programs, Tree(reduce=False))
    assert reduced.keys() == every.keys()
    assert reduced.total() < every.total()
