"""Lanes that ask for one lock again and again, without a wait in the call: they wait for it all the same.

A lane whose last two attempts (`lock_attempts`) were for the same lock and in vain, without a call between
that changes anything, *waits* for that lock. It is kept back before its next attempt, or in the sleep before
it, until the lock is free, or until lanes that do not wait have taken a step for every four of its attempts.
So a lane that gives up after some attempts does so in some schedules while the holder is at work, and one
that does not give up leaves most steps to others. While no other lane can go it tries again, later and later
in virtual time (`virtual_clock`). After `ATTEMPTS_MAX` such attempts in a row it waits in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.gates.kernel.effect_recorder import EffectRecorder
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.lock_attempts import Attempt, Attempts
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.gate import Candidate

__all__ = ["ATTEMPTS_MAX", "LockPolls"]

#: A lane that gives up by itself has done so after fewer attempts while no other lane could go.
ATTEMPTS_MAX = 1000
_REPEATED = 2
_ATTEMPTS_A_STEP = 4


class _Asking:
    """A lock for which a lane asks in vain, in one of its operations.

    Args:
        op: index of the operation.
        attempt: the first one.

    Attributes:
        count: attempts in a row.
        at: steps of lanes that did not wait, before the last one.
        slept: the lane has slept since the last one.
        alone: of the attempts, those that were made because no other lane could go.
    """

    __slots__ = ("alone", "at", "attempt", "count", "op", "slept")

    def __init__(self, op: int, attempt: Attempt) -> None:
        self.op = op
        self.attempt = attempt
        self.count = self.at = self.alone = 0
        self.slept = False

    def again(self, attempt: Attempt, at: int) -> None:
        """Count an attempt in vain."""
        self.attempt, self.at = attempt, at
        self.count += 1
        self.slept = False

    def sleeps(self) -> None:
        """Note a sleep since the last attempt."""
        self.slept = True

    def goes_alone(self) -> None:
        """Count an attempt that is made because no other lane can go."""
        self.alone += 1

    def not_alone(self) -> None:
        """Note that another lane could go."""
        self.alone = 0


class LockPolls:
    """Lanes of one session directory that wait for a lock, each with its lock.

    Args:
        files: the session directory.
        flocks: as they are held.
        recorder: knows of record locks.

    Attributes:
        asking: lanes that have asked in vain in this schedule, by index.
        idle_steps: steps of the schedule that lanes took which waited, while no other lane could go.
    """

    def __init__(self, files: VirtualFiles, flocks: Flocks, recorder: EffectRecorder) -> None:
        self._attempts = Attempts(files, flocks, recorder)
        self.begin((), False)

    def begin(self, names: Sequence[str], strict: bool) -> None:
        """Start a schedule in which no lane waits.

        Args:
            names: of the lanes.
            strict: whether a lane that waits is kept back as long as its lock is taken, in any case:
                which lanes can go must not depend on the order of steps that commute.
        """
        self._names = names
        self._strict = strict
        self.asking: dict[int, _Asking] = {}
        self._makers: dict[int | str, int] = {}
        self._progress = 0
        self._some_alone = False
        self.idle_steps = 0

    # Steps

    def before(self, lane: Lane, pending: PendingSyscall) -> None:
        """Take in the file call that a lane is about to make.

        No other lane moves, so what becomes of an attempt is known before it is made.
        """
        asking = self._of(lane)
        attempt = self._attempts.of(pending)
        if attempt is None:
            if asking is not None and not self._attempts.is_harmless(pending):
                del self.asking[lane.index]
        elif self._attempts.is_free(attempt):
            self._makers[attempt.key] = lane.index
            self.asking.pop(lane.index, None)
        else:
            if asking is None or not asking.attempt.is_for(attempt):
                asking = self.asking[lane.index] = _Asking(lane.op, attempt)
            asking.again(attempt, self._progress)

    def stepped(self, lane: Lane, status: str) -> None:
        """Count a step.

        Args:
            lane: that takes it.
            status: of the lane before it.
        """
        asking = self.asking.get(lane.index)
        if asking is not None and asking.op != lane.op:
            # Whether it got the lock or gave up, that operation is over.
            del self.asking[lane.index]
        elif asking is not None:
            if status is Status.SLEEP:
                asking.sleeps()
            if asking.count >= _REPEATED:
                self.idle_steps += asking.alone > 0
                return
        self._progress += 1
        if self._some_alone:
            self._some_alone = False
            for one in self.asking.values():
                one.not_alone()

    def _of(self, lane: Lane) -> _Asking | None:
        asking = self.asking.get(lane.index)
        return asking if asking is not None and asking.op == lane.op else None

    # Lanes that wait

    def waits(self, lane: Lane) -> Attempt | None:
        """Return the last attempt of a lane that waits and stands where it waits; None for any other."""
        asking = self._of(lane)
        if asking is None or asking.count < _REPEATED:
            return None
        if lane.status is Status.SLEEP:
            # By a name that it could not make it is known to wait from its first attempt on.
            return asking.attempt if lane.poll_name is None else None
        if lane.status is not Status.FILE or asking.slept:
            return None
        next_one = self._attempts.of(lane.pending)
        return next_one if next_one is not None and asking.attempt.is_for(next_one) else None

    def without_kept_back(self, ready: Iterable[Candidate], lanes: Sequence[Lane]) -> list[Candidate]:
        """Return the candidates but for those whose lanes are kept back."""
        asking = self.asking
        return [one for one in ready if one.lane not in asking or not self.keeps_back(lanes[one.lane])]

    def keeps_back(self, lane: Lane) -> bool:
        """Return whether a lane waits for a lock that is taken, and other lanes come first."""
        asking = self.asking.get(lane.index)
        if asking is None or asking.count < _REPEATED:
            return False
        if not self._strict and self._progress - asking.at >= asking.count // _ATTEMPTS_A_STEP:
            return False
        attempt = self.waits(lane)
        return attempt is not None and not self._attempts.is_free(attempt)

    def kept_back(self, lanes: Iterable[Lane]) -> dict[int, int]:
        """Return how often lanes that are kept back have asked while no other lane could go, by index."""
        return {lane.index: self.asking[lane.index].alone for lane in lanes if self.keeps_back(lane)}

    def woken(self, lanes: Iterable[Lane]) -> None:
        """Note that lanes go on because no other lane can."""
        for lane in lanes:
            asking = self._of(lane)
            if asking is not None:
                self._some_alone = True
                asking.goes_alone()

    def in_vain(self, lanes: Iterable[Lane]) -> bool:
        """Return whether all of some lanes wait in vain."""
        return all((asking := self._of(lane)) and asking.alone >= ATTEMPTS_MAX for lane in lanes)

    # Words

    def remark(self, reason: str, lanes: Sequence[Lane]) -> str:
        """Return why a schedule was ended, with what lanes waited for then; empty where it was not."""
        said = [f"{self._names[lane.index]}: {why}" for lane in lanes if (why := self.why(lane, lanes))]
        return "; ".join([reason, *said]) if reason else ""

    def why(self, lane: Lane, lanes: Sequence[Lane]) -> str:
        """Say for which lock a lane waits, and which lane has it; empty for a lane that does not."""
        asking = self._of(lane)
        if asking is None or asking.count < _REPEATED:
            return ""
        attempt = asking.attempt
        holders = self._attempts.flock_holders(attempt) if attempt.kind == "flock" else []
        if not holders and attempt.key in self._makers:
            holders = [self._makers[attempt.key]]
        has = [f"{self._names[one]} has it and {lanes[one].status}" for one in holders]
        said = f"it has asked {asking.count} times in vain for {self._attempts.alias_of(attempt)}"
        return f"{said} ({', '.join(has)})" if has else said
