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
    board, stops = SharedMemory(), Stops(1)
    place = GatedAdapterHost(("a", "b"), board, stops)
    assert board.is_turn_of(0) and board.is_turn_of(1)
    place.take_turn(after_another=False)
    assert stops.stopped == [(TURN, 1)]
    assert not board.is_turn_of(0)
    place.give_turn(progress=True)
    assert board.is_turn_of(0) and board.is_turn_of(1)


def test_a_waiting_lane_gets_its_turn_only_after_progress() -> None:
    board = SharedMemory()
    board.want_turn(1, after_another=True)
    assert not board.is_turn_of(1)
    board.take_turn(0)
    board.give_turn(progress=False)
    assert not board.is_turn_of(1)
    board.take_turn(0)
    board.give_turn(progress=True)
    assert board.is_turn_of(1)
    board.publish(b"")
    assert board.is_turn_of(0)


def test_without_a_gate_progress_wakes_the_waiting_lane() -> None:
    place = HostHooks()
    done: list[str] = []

    def waits() -> None:
        place.take_turn(after_another=False)
        place.give_turn(progress=False)
        ready.set()
        place.take_turn(after_another=True)
        done.append("woken")

    ready = threading.Event()
    thread = threading.Thread(target=waits)
    thread.start()
    ready.wait(10)
    place.take_turn(after_another=False)
    assert done == []
    place.give_turn(progress=True)
    thread.join(10)
    assert done == ["woken"]


def test_diagnostics_are_the_error_or_else_the_last_lines() -> None:
    board = SharedMemory()
    assert board.last_words() == ""
    place = AdapterHost(("a",), board)
    for number in range(9):
        place.note_line(f"-> {number}")
    assert board.last_words() == "last lines of the adapter: -> 3; -> 4; -> 5; -> 6; -> 7; -> 8"
    assert not board.has_said
    board.say("it died")
    assert board.last_words() == "it died" and board.has_said
    board.publish(b"")
    assert board.last_words() == ""


def test_only_an_external_fence_gets_hooks() -> None:
    def fail() -> AdapterHost:
        raise AssertionError

    def makes(site: Site) -> Fence:
        return Fence(site)

    host(Fence, fail)
    host(makes, fail)

    class Mine(ExternalFence):
        pass

    place = AdapterHost(("a",), SharedMemory())
    host(Mine, lambda: place)
    assert Mine.hooks is place and ExternalFence.hooks is not place


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
