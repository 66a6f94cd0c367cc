"""Begin and end of the lanes' operations, read off the memory that workers share with the supervisor."""

from __future__ import annotations

from harness.gates import walls
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import Status
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.limits import named_limit
from harness.model.history import Invoke, Return
from harness.model.program import Program

__all__ = ["record_operations"]


def record_operations(state: SupervisorState, program: Program, lane: Lane) -> None:
    """Record the operations of a lane that began or ended during a step."""
    assert lane.worker is not None
    board, index, events = lane.worker.board, lane.index, state.events
    started, finished = board.started(index), board.finished(index)
    while lane.finished < finished or lane.started < started:
        if lane.started == lane.finished:
            op = program.lanes[index].ops[lane.started]
            ids = tuple((entry.id, entry.type) for entry in op.entries)
            events.append(Invoke(index, lane.started, op.kind, op.turn, ids, op.how, op.route))
            lane.begin_operation()
        else:
            outcome, detail = board.outcome(index, lane.finished)
            if outcome == "crash":
                outcome = _excused(state, lane, detail, board.cause(index, lane.finished))
            events.append(Return(index, lane.finished, outcome, detail))
            lane.end_operation()
    if lane.status is Status.DEAD:
        _record_death(state, program, lane)


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
        why = why or walls.excuse(cause, detail)
    elif lane.worker.board.crash:
        why = why or named_limit(detail) or walls.named_wall(detail)
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
    if status is not None and status < 0:
        pid = lane.worker.pid
        if not board.has_error:
            state.note_killed(f"process {name}", pid, -status)
        state.note_inconclusive(f"process {name} was killed by signal {-status}")
        return
    if lane.started == lane.finished:
        if lane.finished > board.finished(lane.index):
            # Recorded already.
            return
        if lane.started < len(program.lanes[lane.index].ops):
            state.note_inconclusive(f"process {name} ended with status {status} between operations")
        return
    detail = board.crash or f"the process ended with status {status}"
    outcome = _excused(state, lane, detail, None)
    state.events.append(Return(lane.index, lane.finished, outcome, detail))
    lane.crash_operation()
