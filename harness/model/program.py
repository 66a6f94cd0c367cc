"""Define programs: the operations of all lanes of one schedule, with every argument fixed.

A *program* is drawn from a scenario by `plan`. It is plain data, so that a worker can execute it, a
witness can store it and a shrinker can cut it down. The order of the steps is separate: that is the
`schedule`.
"""

from __future__ import annotations

import msgspec

__all__ = ["ClockSkew", "Entry", "Fault", "Filesystem", "LaneProgram", "LeftLock", "Op", "Program"]

#: Process faults with a duration that have a field of their own, as stored witnesses have it.
_LASTING = ("stop_ms", "slow_ms", "ahead_ms")


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of the transcript.

    Args:
        id: unique in the schedule; the summary line of a compaction keeps it.
        type: a name of `harness.model.transcript_lines.TYPES`.
        line: the text without its newline.
    """

    id: str
    type: str
    line: str


class Fault(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One step of an operation at which a fault occurs; see `harness.scenario.faults`.

    Args:
        call: name of the system call; empty for any step, including think and sleep.
        error: name of the errno that the call fails with; empty: it does not fail.
        keep_permille: at least 0: the call is cut short to this share of its bytes, and the
            next one fails; -1: it is not.
        nth: number of the step among those with this name on this file, from 1.
        file: ``transcript``, ``lock``, ``beside`` for any other file, or ``any``.
        kill: the lane's process is killed before the step, or in the midst of a write that is cut short.
        stop_ms: at least 0: before the step the process is stopped for so many virtual milliseconds.
        slow_ms: at least 0: the step, and each such step of the operation after it, takes so long.
        ahead_ms: at least 0: before the step virtual time runs ahead by so much.
        others: process faults that have no field of their own: keys of
            `harness.scenario.faults.PROCESS_FAULTS`, with milliseconds, or 0 for one without a duration.
    """

    call: str = ""
    error: str = ""
    keep_permille: int = -1
    nth: int = 1
    file: str = "transcript"
    kill: bool = False
    stop_ms: int = -1
    slow_ms: int = -1
    ahead_ms: int = -1
    others: tuple[tuple[str, int], ...] = ()

    def process_faults(self) -> dict[str, int]:
        """Return its process faults by key, with their milliseconds; 0 for one without a duration."""
        found = {"kill": 0} if self.kill else {}
        found |= {key: value for key in _LASTING if (value := getattr(self, key)) >= 0}
        return found | dict(self.others)

    def with_process_fault(self, key: str, duration_ms: int) -> Fault:
        """Return it with a process fault, or with another duration of one that it has."""
        if key == "kill":
            return msgspec.structs.replace(self, kill=True)
        if key in _LASTING:
            return msgspec.structs.replace(self, **{key: duration_ms})
        others = dict(self.others) | {key: duration_ms}
        return msgspec.structs.replace(self, others=tuple(others.items()))


class Op(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call that a lane makes.

    Args:
        kind: ``begin_turn load append release_for_prompt guarded_write recover
            end_turn`` (a runner's turn), ``acquire append rewrite release`` (a
            participant under the lock), ``think pause`` (no file is touched),
            ``action`` (a rogue's).
        turn: the runner's turn that the call belongs to; -1 outside a turn.
        group: calls that depend on the first call of the group (`begin_turn` or
            `acquire`): if it failed, the rest of the group is skipped.
        route: ``fence`` for the lane's own handle on the fence, ``writer`` for a
            second handle in the same lane (a transcript writer beside the fence).
        entries: lines to append, or the lines that a rewrite keeps at the end.
        steps: length of a `think` in scheduling points.
        duration_ms: virtual milliseconds of a `pause`.
        how: manner of a rewrite (``in_place`` or ``rename``), or name of the action or
            the program.
        args: arguments of an action or a rewrite, drawn beforehand.
        faults: steps of the operation at which a fault occurs.
        argv: command line of an action that is a program, see `harness.scenario.exec_program`.
        term: kind of the terminal that the program has; empty for none.
        keys: what is typed there, see `harness.scenario.keys`.
        begins, ends: regular expressions of the lines by which the program says that an operation begins and
            ends; empty where it does not.
    """

    kind: str
    turn: int = -1
    group: int = 0
    route: str = "fence"
    entries: tuple[Entry, ...] = ()
    steps: int = 0
    duration_ms: int = 0
    how: str = ""
    args: dict[str, int | str | bool] = {}
    faults: tuple[Fault, ...] = ()
    argv: tuple[str, ...] = ()
    term: str = ""
    keys: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""


class ClockSkew(msgspec.Struct, frozen=True, omit_defaults=True):
    """A clock of the date that is not virtual time.

    Args:
        off_ms: milliseconds that it is ahead; negative for behind.
        back_ms: milliseconds by which it is set back once; 0 for never.
        after_ms: virtual milliseconds from the first step until then.
    """

    off_ms: int = 0
    back_ms: int = 0
    after_ms: int = 0

    def offset_ns(self, elapsed_ns: int) -> int:
        """Return how far it is ahead of virtual time, in nanoseconds.

        Args:
            elapsed_ns: virtual time since the schedule began.
        """
        is_back = self.back_ms and elapsed_ns >= self.after_ms * 1_000_000
        return (self.off_ms - (self.back_ms if is_back else 0)) * 1_000_000

    def told(self) -> str:
        """Return it in words."""
        parts = [f"{abs(self.off_ms)} ms {'ahead' if self.off_ms > 0 else 'behind'}"] if self.off_ms else []
        if self.back_ms:
            parts.append(f"set back by {self.back_ms} ms after {self.after_ms} ms")
        return ", ".join(parts)


class LaneProgram(msgspec.Struct, frozen=True, omit_defaults=True):
    """One lane: its properties and its calls in order.

    Args:
        name: name of the lane.
        role: name of its role.
        process: name of the process that it runs in.
        participant: whether it takes the lock.
        ops: its calls.
        pid_namespace: PID namespace of its process; empty for the machine's own.
        transcript: name of the transcript that it works on; empty for the watched one.
        revives: process by whose end, of a fault, the lane begins; empty for one that begins at once.
        after_ms: virtual milliseconds from then to its begin.
        revived_pid: ``fresh``, ``same`` or ``taken``, see a scenario's ``restart``.
        clock: how the clock of its process is off; the same for all lanes of a process.
    """

    name: str
    role: str
    process: str
    participant: bool
    ops: tuple[Op, ...]
    pid_namespace: str = ""
    transcript: str = ""
    revives: str = ""
    after_ms: int = 0
    revived_pid: str = "fresh"
    clock: ClockSkew | None = None


class Filesystem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The properties of the file system that stat and statx show to the lanes.

    Args:
        time_grain_ms: time stamps are truncated to multiples of this; with 0 every
            change gets its own stamp.
        birth_time: whether statx reports a birth time.
        inode_reuse: ``always`` (a freed number goes to the next new file, as on
            ext4), ``never`` (as on tmpfs or btrfs), or ``real`` (the number that
            the file system below the session directory assigned).
        inode_forget_ms: time after the last look at a file that no process has open until it
            has another number; -1 for never.
        ctime_drift_ms: time after which an untouched file has a later ctime; 0 for never.
        attribute_cache_ms: how long a process is told what it was told before.
        links_share_inode: whether hard links have one number.
        copy_up: whether the transcript is in the lower layer of an overlay.
        clock: how the clock is off from which time stamps come; None for virtual time.
        ctime_own: whether ctime is a stamp of its own; if not, it is the mtime.
        stamps_settle_ms: time after the last use of a file that was written until its stamps are
            later; -1 for never.
    """

    time_grain_ms: int = 0
    birth_time: bool = True
    inode_reuse: str = "always"
    inode_forget_ms: int = -1
    ctime_drift_ms: int = 0
    attribute_cache_ms: int = 0
    links_share_inode: bool = True
    copy_up: bool = False
    clock: ClockSkew | None = None
    ctime_own: bool = True
    stamps_settle_ms: int = -1


class LeftLock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A lock file of a process that died before the first step.

    Args:
        process: name of the process that has the dead one's process id now.
        age_ms: virtual milliseconds since it was made.
    """

    process: str
    age_ms: int


class Program(msgspec.Struct, frozen=True, omit_defaults=True):
    """All operations of the lanes of one schedule, and the state that they start from.

    Args:
        lanes: in the scenario's order; a lane's index is its identity.
        initial: the transcript's lines before the first step; none where there is no file.
        filesystem: properties that stat shows.
        clock_start_ns: virtual wall clock at the first step, nanoseconds since
            1970; its position within a time tick is drawn too.
        step_ns: virtual duration of a step.
        symlink: whether the transcript's path is a symbolic link to a file beside it.
        left_lock: lock file of a dead process, if there is one.
    """

    lanes: tuple[LaneProgram, ...]
    initial: tuple[Entry, ...]
    filesystem: Filesystem
    clock_start_ns: int
    step_ns: int = 1_000_000
    symlink: bool = False
    left_lock: LeftLock | None = None
