"""Measures the parts of `bench` one after the other, in explorer processes of their own."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

import fence
from fence.controls import CONTROLS
from harness.cli.output import remark
from harness.explore.coordinator import Coordinator
from harness.explore.worker_pool import FILE_BYTES_MAX, Work
from harness.model.errors import UsageError
from harness.scenario import Scenario
from harness.system.janitor import in_memory, session_parent
from harness.system.machine import machine
from harness.tools.bench.control_latency import ControlBench
from harness.tools.bench.figures import Figures, Part, Quantity, merged
from harness.tools.bench.gate_cost import GateBench, Steps, two_explorers
from harness.tools.bench.growth import ROOM, GrowthBench
from harness.tools.bench.reference import VERSION
from harness.tools.bench.scenario_cost import ScenarioBench
from harness.tools.bench.walls_cost import WallsBench
from harness.tools.versus import Course

__all__ = ["SITTINGS", "Plan", "Recorder", "plain_fences", "room_for"]

#: Samples of a quantity are taken in so many sittings, some time apart and with other processes, so that
#: neither other load nor the luck of one start of a program is in all of them.
SITTINGS = 2
#: Longer than any part takes; an interrupt ends it sooner.
_LIMIT_S = 86_400.0
#: Schedules in a round of the part `gate`, in samples.
_GATE_SCHEDULES = 20
#: Room for a fence's own files beside the largest transcript.
_MORE_BYTES = 1 << 20


class Plan(NamedTuple):
    """The plan of a measurement.

    Args:
        parts: in this order.
        scenarios, fence: of the parts `scenarios`, `walls` and `gate`; the latter two have the first alone.
        growing: fences of the part `growth`.
        courses: controls and where they are run.
        sizes: of the transcripts, bytes.
        schedules: a sample.
        rounds: samples, over all sittings.
        seed: of everything that is drawn.
        root: where session directories are made; None for the best place.
    """

    parts: Sequence[Part]
    scenarios: Sequence[Scenario]
    fence: str
    growing: Sequence[str]
    courses: Sequence[Course]
    sizes: tuple[int, ...]
    schedules: int
    rounds: int
    seed: int
    root: str | None


def plain_fences() -> list[str]:
    """Return the registered fences that are not broken on purpose."""
    return [name for name in fence.FENCES if name not in CONTROLS]


def room_for(largest: int, root: str | None) -> str:
    """Return a folder that has room for transcripts of that size.

    Args:
        largest: bytes.
        root: where the user wants them.

    Raises:
        UsageError: there is none.
    """
    needed = ROOM * largest + (64 << 20)
    free = 0
    for place in [root] if root else filter(None, (in_memory(), session_parent(None))):
        try:
            status = os.statvfs(place)
        except OSError as error:
            raise UsageError(f"{place}: {error.strerror}; give another --session-root") from error
        free = status.f_bavail * status.f_frsize
        if free >= needed:
            return place
    raise UsageError(
        f"{place}: {free >> 20} MB free, transcripts of {largest >> 10} KiB need {needed >> 20} MB; "
        "free some space there, give another --session-root or a smaller --largest-kib"
    )


class Recorder:
    """Measures, and collects the figures.

    Args:
        plan: what to measure.
        tell: called with each quantity when it is known.
    """

    def __init__(self, plan: Plan, tell: Callable[[Quantity], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._facts = machine()
        self._references: list[float] = []
        self._quantities: dict[str, Quantity] = {}
        self._sitting = 0
        self._gate: dict[str, Any] | None = None
        self.interrupted = False

    def measure(self) -> Figures:
        """Measure all parts until the user interrupts, and return the figures.

        Raises:
            HarnessError: what ended the work of an explorer.
        """
        plan = self._plan
        measures = {
            "scenarios": self._scenarios,
            "growth": self._growth,
            "controls": self._controls,
            "walls": self._walls,
            "gate": self._step,
        }
        for self._sitting in range(SITTINGS):
            for part in plan.parts:
                # Figures of the gate are not compared.
                if not self.interrupted and (part != "gate" or not self._sitting):
                    remark(f"sitting {self._sitting + 1} of {SITTINGS}: {part}")
                    measures[part]()
        reference_ms = statistics.median(self._references) / 1e6 if self._references else 0.0
        return Figures.of(
            self._facts,
            VERSION,
            reference_ms,
            plan.parts,
            [*self._quantities.values()],
            self._gate,
            self.interrupted,
        )

    @property
    def _rounds(self) -> int:
        """Rounds of this sitting."""
        return -(-self._plan.rounds // SITTINGS)

    def _scenarios(self) -> None:
        plan = self._plan
        self._carry_out(
            [
                ScenarioBench(scenario, plan.fence, plan.schedules, self._rounds, plan.seed)
                for scenario in plan.scenarios
            ],
            plan.root,
        )

    def _growth(self) -> None:
        plan = self._plan
        largest = max(plan.sizes)
        works = [GrowthBench(name, plan.sizes, self._rounds) for name in plan.growing]
        self._carry_out(works, room_for(largest, plan.root), max(FILE_BYTES_MAX, largest + _MORE_BYTES))

    def _controls(self) -> None:
        plan = self._plan
        self._carry_out(
            [
                ControlBench(course.control, course.caught_by, course.scenario, self._rounds, plan.seed)
                for course in plan.courses
            ],
            plan.root,
        )

    def _walls(self) -> None:
        plan = self._plan
        work = WallsBench(plan.scenarios[0], plan.fence, plan.schedules, self._rounds, plan.seed)
        self._carry_out([work], plan.root)

    def _step(self) -> None:
        plan = self._plan
        scenario, schedules = plan.scenarios[0], _GATE_SCHEDULES * plan.schedules
        self._carry_out([GateBench(scenario, plan.fence, schedules)], plan.root)
        if self._gate is None or self.interrupted or len(os.sched_getaffinity(0)) == 1:
            return
        with Coordinator(2, plan.root) as two, Coordinator(1, plan.root) as one:
            rate = two_explorers(two, one, scenario, plan.fence, 2 * schedules)
            self.interrupted = one.interrupted
        self._gate["two_explorers"] = rate

    def _carry_out(
        self, works: Sequence[Work], root: str | None, file_bytes_max: int = FILE_BYTES_MAX
    ) -> None:
        with Coordinator(1, root, file_bytes_max=file_bytes_max) as coordinator:
            for work in works:
                for found in coordinator.carry_out(work, _LIMIT_S):
                    self._collect(found)
                self.interrupted = coordinator.interrupted
                if self.interrupted:
                    return

    def _collect(self, found: object) -> None:
        if isinstance(found, Quantity):
            before = self._quantities.get(found.name)
            self._quantities[found.name] = found if before is None else merged(before, found)
            if self._sitting == SITTINGS - 1:
                self._tell(self._quantities[found.name])
        elif isinstance(found, Steps):
            self._gate = msgspec.to_builtins(found)
        elif isinstance(found, float):
            self._references.append(found)
