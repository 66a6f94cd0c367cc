"""The kernel gate with a code trace: for schedules that are run again to be shown.

The lanes are stopped and let go as ever, so the history is the same. A search uses `KernelGate`, which
collects nothing.
"""

from __future__ import annotations

import dataclasses

from harness.gates.kernel.call_text import CallText
from harness.gates.kernel.code_observer import CodeObserver
from harness.gates.kernel.gate import KernelGate
from harness.gates.kernel.process import Status
from harness.gates.kernel.stack_dumps import place_of, stack_of
from harness.model.code_trace import Stack
from harness.model.gate import RUN, Candidate, Layout, Outcome, Verdict
from harness.model.history import Step
from harness.model.program import Program

__all__ = ["ObservedGate"]


class ObservedGate(KernelGate):
    """A kernel gate whose outcomes have a code trace; arguments as of `KernelGate`."""

    def start(self, layout: Layout) -> None:
        """Start the worker processes, which tell where the code of their lanes is."""
        super().start(dataclasses.replace(layout, traces_code=True))
        self._observer = CodeObserver()
        self._call: CallText | None = None
        self._state.observe_writes(self._observer.wrote)

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""
        self._observer.begin()
        for worker in self._processes.workers.values():
            worker.board.code.clear()
        super().begin(program)

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step."""
        lane = self._lanes[candidate.lane]
        self._observer.granted(lane)
        self._call = CallText(self._directory, lane, candidate.path)
        super().grant(candidate, verdict)

    def settle(self) -> list[Candidate]:
        """Wait until nothing moves; return the lanes that can step next, ordered by lane."""
        ready = super().settle()
        self._finish_call()
        return ready

    def _finish_call(self) -> None:
        """Take in that the step which was granted last is over."""
        call, self._call = self._call, None
        step = next((one for one in reversed(self._state.events) if isinstance(one, Step)), None)
        if call is not None and step is not None:
            self._observer.finished(call.finished(step.call, step.note, step.fault))

    def finish(self, inconclusive: str = "") -> Outcome:
        """Close the history, with the code trace of the schedule."""
        if self._state.moving is not None:
            self._come_to_rest(self._state.moving)
        self._finish_call()
        stacks = [stack for lane in self._lanes if (stack := self._stack(lane.index)) is not None]
        trace = self._observer.trace(self._lanes, stacks).told_by(self._state.told)
        return dataclasses.replace(super().finish(inconclusive), code=trace)

    def _stack(self, index: int) -> Stack | None:
        """Return where a lane is that has not come to its end; None for one that has, or has no code."""
        lane = self._lanes[index]
        if lane.status is Status.DONE or lane.worker is None:
            return None
        found = stack_of(self._state, lane.worker, lane)
        if found is not None:
            return found
        file, line, function, _ = lane.worker.board.code.line(index)
        return Stack(index, (place_of(file, line, function),)) if file else None
