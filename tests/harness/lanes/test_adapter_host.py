"""Test the hooks of an external fence in a worker, and equal histories with and without quiescence checks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fence.external import ExternalFence, HostHooks
from fence.protocol import Fence, Site
from harness.explore.explorer import Explorer, ticking
from harness.lanes import adapter_host
from harness.lanes.adapter_host import AdapterHost, GatedAdapterHost, host
from harness.lanes.child_services import Service
from harness.model.history import Event, Step
from harness.model.shared_memory import SharedMemory
from harness.model.stop_reasons import TURN
from harness.scenario import load_all
from harness.strategies import make
from tests.acceptance.harness_process import ROOT, write_scenario

TWO_IN_ONE = """\
about: A heartbeat appends under the lock in the runner's process while the runner waits for its model.
source: test of hosting
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 2}
  - {role: heartbeat, process: gateway}
  - {role: cron}
schedules: 20
expect: {}
"""


class Stops:
    """Records the stops of lanes without stopping them."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.stopped: list[tuple[int, int]] = []

    def lane(self) -> int:
        return self.index

    def stop(self, why: int, lane: int, value: int) -> None:
        self.stopped.append((why, lane))


def test_taking_a_turn_stops_the_lane_and_sets_shared_memory() -> None:
    memory, stops = SharedMemory(), Stops(1)
    hooks = GatedAdapterHost(("a", "b"), memory, stops)
    assert memory.is_turn_of(0) and memory.is_turn_of(1)
    hooks.take_turn(after_another=False)
    assert stops.stopped == [(TURN, 1)]
    assert not memory.is_turn_of(0)
    hooks.give_turn(progress=True)
    assert memory.is_turn_of(0) and memory.is_turn_of(1)


def test_a_waiting_lane_gets_its_turn_only_after_progress() -> None:
    memory = SharedMemory()
    memory.want_turn(1, after_another=True)
    assert not memory.is_turn_of(1)
    memory.take_turn(0)
    memory.give_turn(progress=False)
    assert not memory.is_turn_of(1)
    memory.take_turn(0)
    memory.give_turn(progress=True)
    assert memory.is_turn_of(1)
    memory.publish(b"")
    assert memory.is_turn_of(0)


def test_without_a_gate_progress_wakes_the_waiting_lane() -> None:
    hooks = HostHooks()
    done: list[str] = []

    def waits() -> None:
        hooks.take_turn(after_another=False)
        hooks.give_turn(progress=False)
        ready.set()
        hooks.take_turn(after_another=True)
        done.append("woken")

    ready = threading.Event()
    thread = threading.Thread(target=waits)
    thread.start()
    ready.wait(600)
    hooks.take_turn(after_another=False)
    assert done == []
    hooks.give_turn(progress=True)
    thread.join(600)
    assert done == ["woken"]


def test_diagnostics_are_the_error_or_else_the_last_lines() -> None:
    memory = SharedMemory()
    assert memory.diagnostics() == ""
    hooks = AdapterHost(("a",), memory)
    for number in range(9):
        hooks.note_line(f"-> {number}")
    assert memory.diagnostics() == "last lines of the adapter: -> 3; -> 4; -> 5; -> 6; -> 7; -> 8"
    assert not memory.has_error
    memory.record_error("it died")
    assert memory.diagnostics() == "it died" and memory.has_error
    memory.publish(b"")
    assert memory.diagnostics() == ""


def test_only_an_external_fence_gets_hooks() -> None:
    def fail() -> AdapterHost:
        raise AssertionError

    def makes(site: Site) -> Fence:
        return Fence(site)

    host(Fence, fail)
    host(makes, fail)

    class Mine(ExternalFence):
        pass

    hooks = AdapterHost(("a",), SharedMemory())
    host(Mine, lambda: hooks)
    assert Mine.hooks is hooks and ExternalFence.hooks is not hooks


def histories(path: Path, fence: str, count: int) -> list[tuple[Event, ...]]:
    scenario = load_all([str(path)])[0]
    explorer = Explorer(scenario, fence, "kernel")
    found = []
    try:
        with ticking():
            for index in range(count):
                outcome = explorer.run(explorer.program(1, index), make("random"), 1, index)[2]
                assert outcome.end.inconclusive == ""
                found.append(outcome.events)
    finally:
        explorer.close()
    return found


def looked_at(pid: int, one_at_a_time: bool, flows: bool) -> Service:
    assert flows
    return Service(pid, one_at_a_time)


@pytest.mark.requires("kernel-gate")
@pytest.mark.parametrize(
    "words",
    [
        pytest.param("node examples/node/stat.mjs", marks=pytest.mark.requires("node")),
        "perl examples/perl/digest.pl",
    ],
)
def test_a_service_that_flows_has_the_same_histories(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    path = write_scenario(tmp_path, TWO_IN_ONE)
    flowing = histories(path, f"exec:{words}", 6)
    monkeypatch.setattr(adapter_host, "Service", looked_at)
    for number, (seen, said) in enumerate(zip(histories(path, f"exec:{words}", 6), flowing, strict=True)):
        differing = [
            (at, *both) for at, both in enumerate(zip(seen, said, strict=False)) if both[0] != both[1]
        ]
        assert not differing, (number, differing[0])
        assert len(seen) == len(said), number
    steps = [event for events in flowing for event in events if isinstance(event, Step)]
    assert any(step.call == "turn" for step in steps) == words.startswith("node")
