"""Check what a role from outside the source tree draws: a fence is not accused of what no lane can do.

The roles of the source tree and those that a scenario composes draw what they should. One of a package or
of a user's file may return anything. Its programs are looked at when the scenario is loaded, some of
them twice, and each one again before it runs.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.model.errors import ExtensionError
from harness.model.op_order import OpOrder
from harness.model.program import Entry, Op
from harness.scenario.actions import ACTIONS
from harness.scenario.definition import OPS_MAX, Scenario
from harness.scenario.roles import ROLES, LaneSettings, role_of
from harness.scenario.roles.composed import OPERATIONS
from harness.scenario.roles.role import Ids, Size

if TYPE_CHECKING:
    # An explorer needs no reader.
    from harness.scenario.reader import Document, Path

__all__ = ["check_drawn", "draw_checked", "is_outside"]

#: How many programs of each lane are looked at when a scenario is loaded.
_PROGRAMS: Final = 12
_APPENDING: Final = ("append", "guarded_write")
_MANNERS: Final = ("in_place", "rename")
_KINDS: Final = ("compaction", "migration")


def is_outside(lane: LaneSettings) -> bool:
    """Return whether a lane's role is of a package or of a user's file."""
    return isinstance(lane.role, str) and lane.role not in ROLES.built_in


def check_drawn(scenario: Scenario, document: Document) -> None:
    """Add a fault for each lane whose role, one from outside, draws what no lane can do."""
    for index, lane in enumerate(scenario.lanes):
        if is_outside(lane):
            place: Path = ("lanes", index)
            try:
                _check_size(lane)
                for name, seed in itertools.product(lane.names(), range(_PROGRAMS)):
                    _check_repeats(scenario, lane, name, seed)
            except ExtensionError as error:
                document.fault(document.values.get(place, (1, 1)), place, str(error))


def _checked(lane: LaneSettings, name: str, ops: object) -> tuple[Op, ...]:
    """Return what a role from outside has drawn for a lane.

    Raises:
        ExtensionError: it is nothing that a lane can do.
    """
    if not isinstance(ops, tuple) or not all(isinstance(op, Op) for op in ops):
        raise _error(lane, f"draw returned a {type(ops).__name__}, expected a tuple of Op")
    if len(ops) > OPS_MAX:
        raise _error(lane, f"draw returned {len(ops)} operations, at most {OPS_MAX} fit; reduce its settings")
    checker = _Checker(name, role_of(lane).takes_part(lane))
    for number, op in enumerate(ops):
        wrong = checker.follow(op)
        if wrong:
            raise _error(lane, f"operation {number}, {op.kind}: {wrong}")
    wrong = checker.order.unfinished()
    if wrong and getattr(lane, "release", True):
        raise _error(lane, f"after the last operation: {wrong}")
    return ops


def _error(lane: LaneSettings, message: str) -> ExtensionError:
    origin = ROLES.origin(lane.role_name)
    whence = f" of {origin.text}" if origin is not None else ""
    return ExtensionError(f"role {lane.role_name}{whence}: {message}")


def _called(lane: LaneSettings, what: str, function: Callable[[], Any]) -> Any:
    """Return the result of a function of the role's.

    Raises:
        ExtensionError: it raised.
    """
    try:
        return function()
    except Exception as error:  # a user's function may raise anything
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        at = f" in line {trace.tb_lineno}" if trace is not None else ""
        raise _error(lane, f"{what} raised {type(error).__name__}{at}: {error}") from error


def _check_size(lane: LaneSettings) -> None:
    size = _called(lane, "size", lambda: role_of(lane).size(lane))
    if not isinstance(size, Size) or not isinstance(size.ops, int) or not isinstance(size.entries, int):
        raise _error(lane, f"size returned {size!r}, expected Size(operations, lines)")


def draw_checked(lane: LaneSettings, rng: random.Random, ids: Ids, name: str) -> tuple[Op, ...]:
    """Return what a role from outside draws.

    Raises:
        ExtensionError: it is nothing that a lane can do, or the role raised.
    """
    return _checked(lane, name, _called(lane, "draw", lambda: role_of(lane).draw(lane, rng, ids)))


def _check_repeats(scenario: Scenario, lane: LaneSettings, name: str, seed: int) -> None:
    """Check one program, and that the same seed gives it again."""
    text_bytes = scenario.transcript.entry_bytes
    first, again = (draw_checked(lane, random.Random(seed), Ids(name, text_bytes), name) for _ in range(2))
    if first != again:
        raise _error(
            lane, "draw returned two programs for one seed; draw from its generator and nothing else"
        )
    size, lines = role_of(lane).size(lane), sum(len(op.entries) for op in first)
    if len(first) > size.ops or lines > size.entries:
        raise _error(
            lane,
            f"draw returned {len(first)} operations with {lines} lines, size says at most {size.ops} with "
            f"{size.entries}; mend size",
        )


class _Checker:
    """Follows one lane's program."""

    def __init__(self, name: str, participant: bool) -> None:
        self.order = OpOrder()
        self._participant = participant
        self._id = re.compile(rf"{re.escape(name)}-[0-9]+")
        self._ids: set[str] = set()
        #: Groups of the turn, or of the lock, and of the lane's own writer.
        self._group = self._writers_group = -1
        self._turn = -1

    def follow(self, op: Op) -> str:
        """Go on to an operation; return what is wrong with it, empty for nothing."""
        if op.kind == "action":
            return self._wrong_with_action(op)
        if op.kind not in OPERATIONS:
            return f"no such operation; expected one of {', '.join(OPERATIONS)}, action"
        if op.kind in ("think", "pause"):
            return "" if op.steps >= 0 and op.duration_ms >= 0 else "waits for less than nothing"
        if not self._participant:
            return "the role is no participant, and has no handle on the fence; make it one, or use action"
        begins_writer = op.kind == "acquire" and self.order.in_turn
        writer = begins_writer or self.order.writer_holds
        wrong = self.order.follow(op.kind)
        return wrong or self._wrong_with_place(op, writer) or self._wrong_with_content(op)

    def _wrong_with_action(self, op: Op) -> str:
        if op.argv:
            return "only the role program starts programs; leave argv out"
        if self._participant:
            return "a participant writes past the fence and nowhere else; make the role no participant"
        if op.how not in ACTIONS:
            return f"unknown action {op.how!r}; `python -m harness list actions` lists the known ones"
        return ""

    def _wrong_with_place(self, op: Op, writer: bool) -> str:
        """Return what is wrong with turn, group and route of an operation that may stand where it does."""
        if op.kind == "begin_turn":
            if op.turn <= self._turn:
                return f"turn {op.turn}, expected one above {self._turn}"
            self._turn = op.turn
        if op.kind in ("begin_turn", "acquire"):
            if op.group in (self._group, self._writers_group):
                return f"group {op.group} is that of an earlier one; a failure would skip too much"
            if writer:
                self._writers_group = op.group
            else:
                self._group = op.group
        in_turn = self.order.in_turn or op.kind == "end_turn"
        turn, group = self._turn if in_turn else -1, self._writers_group if writer else self._group
        route = "writer" if writer else "fence"
        if (op.turn, op.group, op.route) != (turn, group, route):
            return (
                f"turn {op.turn}, group {op.group}, route {op.route}, expected turn {turn}, group {group}, "
                f"route {route}: those of its {'begin_turn' if in_turn and not writer else 'acquire'}"
            )
        return ""

    def _wrong_with_content(self, op: Op) -> str:
        if op.kind == "rewrite":
            return self._wrong_with_rewrite(op)
        if bool(op.entries) != (op.kind in _APPENDING):
            return "has no lines; give entries" if op.kind in _APPENDING else "has lines, and writes none"
        return next((wrong for entry in op.entries if (wrong := self._wrong_with_entry(entry))), "")

    def _wrong_with_rewrite(self, op: Op) -> str:
        keep = op.args.get("keep")
        if op.how not in _MANNERS or op.args.get("kind") not in _KINDS or type(keep) is not int or keep < 0:
            return "expected how in_place or rename, and args of compactor.rewrite_args"
        return self._wrong_with_id(op.args.get("summary_id"))

    def _wrong_with_entry(self, entry: Entry) -> str:
        wrong = self._wrong_with_id(entry.id)
        if wrong:
            return wrong
        try:
            line = msgspec.json.decode(entry.line)
        except (msgspec.MsgspecError, UnicodeError):
            line = None
        if "\n" in entry.line or not isinstance(line, dict) or line.get("id") != entry.id:
            return f"the line {entry.line[:40]!r} is no JSON object in one line with the id {entry.id!r}"
        return ""

    def _wrong_with_id(self, found: object) -> str:
        if not isinstance(found, str) or not self._id.fullmatch(found) or found in self._ids:
            return f"the id {found!r} is used already, or none of its generator of ids"
        self._ids.add(found)
        return ""
