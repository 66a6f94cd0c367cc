"""Steps that wake a program without a call of its own: a timer that ends, a key that is typed."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel.process import Status
from harness.gates.kernel.steps import Steps
from harness.gates.kernel.terminals import Typist
from harness.gates.kernel.timer_steps import EndingTimer, end_timer
from harness.gates.kernel.virtual_timers import SignalTimer
from harness.model.errors import Shortage
from harness.model.gate import RUN
from tests.acceptance.harness_process import eventually
from tests.harness.gates.kernel.supervised import START_NS, Supervised

pytestmark = pytest.mark.requires("kernel-gate")

NUMBER = signal.SIGRTMIN + 3


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The signals of a timer that this process got, in whichever of its threads."""
    found: list[int] = []
    before = signal.signal(NUMBER, lambda number, _: found.append(number))
    yield found
    signal.signal(NUMBER, before)


@pytest.fixture
def gate(tmp_path: Path, received: list[int]) -> Iterator[Supervised]:
    """Supervise processes that are all this one."""
    gate = Supervised(tmp_path)
    yield gate
    gate.close()


def due() -> SignalTimer:
    timer = SignalTimer(1, NUMBER, 42)
    timer.set(START_NS, 0)
    return timer


def test_a_timer_may_wake_any_process_of_its_worker(gate: Supervised, received: list[int]) -> None:
    program, other = gate.child(), gate.child()
    for process in gate.worker.processes():
        process.proved_at_rest(True)
    end_timer(gate.state, EndingTimer(program, due()))
    assert [process.quiescent for process in (gate.worker, program, other)] == [False] * 3
    eventually(lambda: received)
    assert received == [NUMBER]


def test_a_signal_that_the_kernel_does_not_queue_is_told(gate: Supervised) -> None:
    program = gate.child()
    soft, hard = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, hard))
    try:
        with pytest.raises(Shortage, match="ulimit -i"):
            end_timer(gate.state, EndingTimer(program, due()))
    finally:
        resource.setrlimit(resource.RLIMIT_SIGPENDING, (soft, hard))


def test_a_program_is_told_the_time_before_a_key_wakes_it(gate: Supervised) -> None:
    class Told:
        """In place of a program's clock."""

        is_new = True
        now_ns = 0

        def tell(self, now_ns: int, offset_ns: int) -> None:
            self.now_ns = now_ns

    class Keyboard:
        """In place of a terminal: notes what the program would read as soon as it is woken."""

        seen_ns = -1

        def type_next(self) -> str:
            self.seen_ns = clock.now_ns
            return "x"

    clock, keyboard, steps = Told(), Keyboard(), Steps(gate.state)
    program, lane = gate.child(), gate.lane
    program.program.takes_time_from(clock)  # type: ignore[arg-type]
    gate.state.task_started()
    lane.join(gate.worker)
    steps.begin(gate.program)
    lane.show_delegate(Typist(program, keyboard, START_NS + 7))  # type: ignore[arg-type]
    assert lane.status is Status.SLEEP
    gate.state.set_time(START_NS + 7)
    steps.grant(lane, "", RUN)
    assert keyboard.seen_ns == gate.state.now_ns > START_NS
