"""A free gate with real workers, and schedules of operations."""

from __future__ import annotations

from pathlib import Path

from fence.locks import LockFile
from harness.gates.free.gate import FreeGate
from harness.lanes import worker
from harness.model.gate import Layout, Outcome
from harness.model.history import Header, History, LaneInfo
from harness.model.policy import POLICIES
from harness.model.program import Filesystem, LaneProgram, Op, Program
from harness.model.transcript_lines import make
from harness.oracle import Judgement, judge

__all__ = ["Stage"]


class Stage:
    """A gate with a few lanes, each in the process that its name begins with.

    Args:
        tmp_path: an empty directory; the session directory is made in it.
        deadline_s: see `FreeGate`.
        fences: source of the fences that are named in capitals.
    """

    def __init__(self, tmp_path: Path, deadline_s: float, fences: str = "") -> None:
        self._session = tmp_path / "session"
        self._session.mkdir()
        (tmp_path / "fences.py").write_text(fences)
        self._fences = tmp_path / "fences.py"
        self.gate = FreeGate(str(self._session.resolve()), worker.main_free, deadline_s)
        self._lanes: tuple[LaneInfo, ...] = ()

    def start(self, fence: str, *lanes: str, lock_kind: str = "flock") -> None:
        """Start the workers; an editor is a rogue, everybody else a participant."""
        self._lanes = tuple(
            LaneInfo(lane, lane.split("-")[0], lane.split("-")[0], not lane.startswith("editor"))
            for lane in lanes
        )
        reference = fence if not fence[0].isupper() else f"{self._fences}:{fence}"
        self.gate.start(Layout(reference, self._lanes, {}, (LockFile(lock_kind),)))

    def run(self, *programs: list[Op], symlink: bool = False) -> Outcome:
        """One schedule."""
        lanes = tuple(
            LaneProgram(info.name, info.role, info.process, info.participant, tuple(ops))
            for info, ops in zip(self._lanes, programs, strict=True)
        )
        initial = (make("session", "first", 5),)
        self.gate.begin(Program(lanes, initial, Filesystem(), 10**18, symlink=symlink))
        assert self.gate.settle() == []
        return self.gate.finish()

    def judge(self, outcome: Outcome) -> Judgement:
        """By the coordinated policy."""
        rules = dict(POLICIES["coordinated"].rules)
        header = Header("test", "test", "free", "", "coordinated", rules, 0, 0, self._lanes, outcome.initial)
        return judge(History(header, outcome.events, outcome.blobs))
