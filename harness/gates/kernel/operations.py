"""Begin and end of the lanes' operations, read off the memory that workers share with the supervisor."""

from __future__ import annotations

from harness.gates.kernel.interference import ended_by_itself, from_outside
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.process import Status
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.limits import of_signal
from harness.gates.wall_words import excuse_of_error, excuse_of_words
from harness.model.history import IN_REAL_TIME, NO_END_MARKER, NOT_SAID, Invoke, Return
from harness.model.program import Op, Program

__all__ = ["record_operations"]

_MILLISECOND_NS = 1_000_000
#: Type of the lines that programs write.
_ENTRY = "program"


def record_operations(state: SupervisorState, program: Program, lane: Lane) -> None:
    """Record the operations of a lane that began or ended during a step."""
    worker, index, events = lane.worker, lane.index, state.events
    assert worker is not None
    board, started, finished = worker.board, worker.words[lane.cell], worker.words[lane.cell + 1]
    has_parts = state.outputs.any
    if has_parts:
        _record_parts(state, program, lane)
    while lane.finished < finished or lane.started < started:
        if lane.started == lane.finished:
            op = program.lanes[index].ops[lane.started]
            ids = tuple([(entry.id, entry.type) for entry in op.entries]) if op.entries else ()
            events.append(Invoke(index, lane.started, op.kind, op.turn, ids, op.how, op.route))
            lane.begin_operation(state.now_ns)
            if has_parts:
                _record_parts(state, program, lane)
        else:
            if lane.marked:
                _next_part(state, lane, program.lanes[index].ops[lane.op], "")
            outcome, detail = board.outcome(index, lane.finished)
            if outcome == "crash":
                outcome = _excused(state, lane, detail, board.cause(index, lane.finished))
            waited_ms = _waited_ms(state, lane) if outcome == "lock_timeout" else NOT_SAID
            events.append(Return(index, lane.told_op, outcome, detail, waited_ms=waited_ms))
            lane.end_operation()
    if lane.status is Status.DEAD:
        _record_death(state, program, lane)


def _waited_ms(state: SupervisorState, lane: Lane) -> int:
    """Return how long an operation took that has ended with a time-out, as `Return` has it."""
    assert lane.worker is not None
    if lane.worker.board.cause(lane.index, lane.finished):
        return IN_REAL_TIME
    return (state.now_ns - lane.begun_ns) // _MILLISECOND_NS


def _record_parts(state: SupervisorState, program: Program, lane: Lane) -> None:
    """Record the operations that the program of a lane says to have begun or ended.

    Each is a part of the operation that is its run, and so is what lies between two of them.
    """
    if lane.started == lane.finished:
        return
    op = program.lanes[lane.index].ops[lane.op]
    for marker in state.outputs.take(lane.index, lane.op) if op.begins else ():
        if not marker.ends:
            _next_part(state, lane, op, marker.id)
            continue
        if lane.marked != marker.id:
            # It did not say that it began this one.
            _next_part(state, lane, op, marker.id)
        _next_part(state, lane, op, "", acknowledged=True)


def _next_part(state: SupervisorState, lane: Lane, op: Op, name: str, *, acknowledged: bool = False) -> None:
    """Record the end of a part of an operation and the begin of the next one.

    Args:
        state: of the supervisor.
        lane: whose operation it is.
        op: the operation.
        name: id of what the program begins; empty for what lies between.
        acknowledged: it has said that it ended what it had begun.
    """
    unfinished = lane.marked and not acknowledged
    state.events.append(Return(lane.index, lane.told_op, "ok", NO_END_MARKER if unfinished else ""))
    lane.begin_part(name)
    ids = ((name, _ENTRY),) if name else ()
    how = f"{op.how} {name}" if name else op.how
    state.events.append(Invoke(lane.index, lane.told_op, op.kind, op.turn, ids, how, op.route))


def _excused(state: SupervisorState, lane: Lane, detail: str, cause: int | None) -> str:
    """Return ``crash``, or ``hindered`` where the harness may be why an operation went wrong.

    Args:
        state: of the supervisor.
        lane: whose operation it is.
        detail: as in `Return`.
        cause: see `harness.gates.walls`, 0 for none; None where the process ended.
    """
    assert lane.worker is not None
    name = lane.worker.name
    why = state.refusals.excuse(name, lane.index, lane.finished, cause)
    if cause is not None:
        why = why or excuse_of_error(cause, detail, supervised=True)
    elif lane.worker.board.crash:
        why = why or excuse_of_words(detail, supervised=True)
    if not why:
        return "crash"
    state.note_inconclusive(f"process {name}: {why} (then: {detail})")
    return "hindered"


def _record_death(state: SupervisorState, program: Program, lane: Lane) -> None:
    """Record the end of a lane's process: as a crash of its operation where the fence may have caused it."""
    assert lane.worker is not None
    status, name, board = lane.worker.handle.exitcode, lane.worker.name, lane.worker.board
    if state.inconclusive:
        return
    if board.crash_is_late:
        # By a worker with a new adapter, the schedule says what it always says.
        state.note_disturbed(f"process {name}: {board.crash} before the schedule began")
        return
    if board.crash_lane not in (-1, lane.index):
        # It ends with the lane whose request met the end of their adapter.
        return
    if status is not None and _was_killed(state, lane.worker, status):
        return
    how = (
        f"was killed by signal {-status}"
        if status is not None and status < 0
        else f"ended with status {status}"
    )
    if lane.started == lane.finished:
        if lane.finished > board.finished(lane.index):
            # Recorded already.
            return
        if lane.started < len(program.lanes[lane.index].ops):
            state.note_inconclusive(f"process {name} {how} between operations")
        return
    detail = board.crash or f"the process {how}"
    outcome = _excused(state, lane, detail, None)
    state.events.append(Return(lane.index, lane.told_op, outcome, detail))
    lane.crash_operation()


def _was_killed(state: SupervisorState, worker: Worker, status: int) -> bool:
    """Return whether a signal ended a worker, or its adapter, that was not of its own doing; note that.

    Args:
        state: of the supervisor.
        worker: that has ended.
        status: with which it has.
    """
    board = worker.board
    if board.crash_signal:
        number, pids, what = (
            board.crash_signal,
            list(worker.services),
            f"process {worker.name}: {board.crash}",
        )
    else:
        number, pids = -status, [worker.pid]
        what = f"process {worker.name} was killed by signal {number}"
    if number <= 0:
        return False
    what = "; ".join(filter(None, (what, of_signal(number))))
    if not board.has_error:
        if any(ended_by_itself(state.signals, pid, number) for pid in pids):
            return False
        if pids and all(from_outside(state.signals, pid, number) for pid in pids):
            state.note_disturbed(what)
    state.note_inconclusive(what)
    return True
