"""Progress of a lane in its operations, the file it polls for, and its candidate for the strategy."""

from __future__ import annotations

from harness.gates.kernel.process import Task
from harness.model.gate import Candidate
from harness.model.history import part_of
from harness.model.shared_memory import cell_of

__all__ = ["LaneProgress"]


class LaneProgress(Task):
    """The part of a lane that concerns no process.

    Args:
        index: of the lane.

    Attributes:
        cell: where the shared memory counts its operations.
        started: operations that have begun.
        finished: operations that have ended.
        op: index of the operation that began last.
        part: number of the part of that operation, where its program divides it by markers.
        marked: id that the program has given that part; empty for what lies between its operations.
        told_op: number of that operation, or of the part of it, in the history.
        ordinal: how many steps that operation has taken.
        begun_ns: virtual time at which it began.
        think_left: steps for which it still waits for its model.
        held_ns: virtual time until which it is stopped, or in a slow call, or its adapter waits.
        held_for: the file for which its adapter waits until then, if that is gone earlier; None for none.
        poll_name: the file that was in its way when it last asked for a lock.
        poll_count: how often it has slept since because of that file.
        starting: it begins when its sleep is over, for the process that it revives was killed.
        typist: what types the next key at the terminal of its program; None where it waits for no key.
        candidate: what the strategy is shown; made when the lane has come to rest.
    """

    __slots__ = (
        "begun_ns",
        "candidate",
        "cell",
        "finished",
        "held_for",
        "held_ns",
        "index",
        "marked",
        "op",
        "ordinal",
        "part",
        "poll_count",
        "poll_name",
        "started",
        "starting",
        "think_left",
        "told_op",
        "typist",
    )

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.cell = cell_of(index)
        self.reset()

    def reset(self) -> None:
        """Forget the last schedule; where the lane is stopped remains."""
        # It was shown and not picked, where the schedule ended early.
        self.candidate: Candidate | None = None
        self.typist: Task | None = None
        self.started = self.finished = 0
        self.op = self.told_op = -1
        self.ordinal = self.part = 0
        self.begun_ns = 0
        self.marked = ""
        self.think_left = 0
        self.wake_ns = 0
        self.held_ns = 0
        self.held_for: str | None = None
        self.poll_name: str | None = None
        self.poll_count = 0
        self.flock_tried = False
        self.starting = False

    def starts_again(self, wake_ns: int) -> None:
        """Have the lane, which waits for its program, begin at a virtual time."""
        self.starting = True
        self.sleep(self.pending, wake_ns)

    def think(self, steps: int) -> None:
        """Set for how many steps the lane waits for its model."""
        self.think_left = steps

    def think_once(self) -> bool:
        """Take one step of waiting for the model; return whether it was the last."""
        self.think_left -= 1
        return self.think_left <= 0

    def hold(self, until_ns: int, polls: bool = False) -> None:
        """Keep the lane from going on before a virtual time.

        Args:
            until_ns: the time.
            polls: only as long as the file is there that was in its way, if one was.
        """
        if until_ns >= self.held_ns:
            self.held_ns = until_ns
            self.held_for = self.poll_name if polls else None

    def show(self, candidate: Candidate) -> Candidate:
        """Keep what the strategy is shown of the lane until it steps."""
        self.candidate = candidate
        return candidate

    def forget_candidate(self) -> None:
        """Have what the strategy is shown made anew."""
        self.candidate = None

    def begin_step(self) -> None:
        """Count a step of its operation."""
        self.ordinal += 1
        self.candidate = None

    def begin_operation(self, now_ns: int) -> None:
        """Count an operation that has begun at a virtual time."""
        self.op = self.told_op = self.started
        self.begun_ns = now_ns
        self.ordinal, self.part, self.marked, self.starting = 0, 0, "", False
        self.started += 1

    def begin_part(self, marked: str) -> None:
        """Count a part of its operation that has begun, with the id that its program gave it, or none."""
        self.part += 1
        self.told_op = part_of(self.op, self.part)
        self.marked = marked

    def end_operation(self) -> None:
        """Count an ended operation; the next one waits for no file."""
        self.finished += 1
        self.stop_polling()

    def crash_operation(self) -> None:
        """Count an operation that its process did not survive."""
        self.finished += 1

    def is_typed_for(self, typist: Task | None) -> None:
        """Set what types the next key at the terminal of its program."""
        self.typist = typist

    # Lock files

    def poll_for(self, name: str | None) -> None:
        """Note that a file exists: the lane's next sleeps wait until it is gone."""
        if self.poll_name != name:
            self.poll_name, self.poll_count = name, 0

    def stop_polling(self) -> None:
        """Note that the lane's next sleep waits for no file."""
        self.poll_name, self.poll_count = None, 0

    def oversleep(self) -> None:
        """Count a sleep while the file was still there."""
        self.poll_count += 1
