"""Define operations and mutations, each with its interval of time; `index` finds them in a history."""

from __future__ import annotations

from harness.model.history import State, Step

__all__ = ["FOREVER", "Mutation", "Operation"]

#: A time after every event.
FOREVER = 1 << 62


class Operation:
    """One operation of a lane; its interval is that of its steps.

    Attributes:
        begin, end: times of the first and the last step; of Invoke and Return if there is no step.
        called, done: times of Invoke and Return; `done` is `FOREVER` without a Return.
        invoked, returned: indices of Invoke and Return; -1 if there is none.
        mutations: the steps that changed the transcript, in order.
        cut: whether one of its calls was cut short.
    """

    __slots__ = (
        "begin",
        "called",
        "cut",
        "detail",
        "done",
        "end",
        "entries",
        "invoked",
        "kind",
        "lane",
        "mutations",
        "op",
        "outcome",
        "returned",
        "turn",
    )

    def __init__(self, lane: int, op: int) -> None:
        self.lane = lane
        self.op = op
        self.kind = ""
        self.turn = -1
        self.entries: tuple[tuple[str, str], ...] = ()
        self.invoked = self.returned = -1
        self.outcome = self.detail = ""
        self.begin = self.end = -1
        self.called, self.done = -1, FOREVER
        self.mutations: list[Mutation] = []
        self.cut = False


class Mutation:
    """One step that changed what a reader of the transcript sees.

    Attributes:
        position: its place among all mutations.
        contested: another lane's mutation overlaps it in time, so the effects of the two cannot be
            told apart. Never under the kernel gate.
    """

    __slots__ = (
        "after",
        "before",
        "begin",
        "contested",
        "end",
        "held",
        "index",
        "operation",
        "position",
        "reclaimed",
    )

    def __init__(self, index: int, operation: Operation, begin: int, end: int, step: Step) -> None:
        change = step.change
        assert change is not None
        self.index = index
        self.operation = operation
        self.begin = begin
        self.end = end
        self.before: State = change.before
        self.after: State = change.after
        self.held = change.held
        self.reclaimed = change.reclaimed
        self.position = -1
        self.contested = False
