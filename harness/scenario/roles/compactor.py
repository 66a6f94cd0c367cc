"""Define a participant that rewrites the transcript under the lock: compaction, or migration to another form.

The lines are only known when the lock is held, so the operation stores the rule and `rewrite_lines`
applies it to the content.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import MinLen, doc

from harness.model.program import Op
from harness.model.transcript_lines import compaction_line
from harness.scenario.roles.participant import OPS_PER_TIME, LockedSettings, draw_locked
from harness.scenario.roles.role import Ids, LineRange, Role, Size, choose, highest, pick

__all__ = ["ROLE", "CompactorSettings", "How", "Kind", "rewrite_args", "rewrite_lines"]

How = Literal["in_place", "rename"]
Kind = Literal["compaction", "migration"]

#: Parent of a first line once the lines are linked.
_ROOT: Final = "root"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompactorSettings(LockedSettings):
    """The keys of a lane of the role compactor."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[Literal["compactor"], doc("Activity of the lane.")]
    how: Annotated[
        tuple[How, ...],
        MinLen(1),
        doc(
            "Ways to replace the bytes, one drawn each time: in the same file, or by a new file over the "
            "path."
        ),
    ] = ("in_place", "rename")
    kind: Annotated[
        tuple[Kind, ...],
        MinLen(1),
        doc("Kind of rewrite, drawn each time: older lines become one, or every line is written anew."),
    ] = ("compaction",)
    keep: Annotated[LineRange, doc("Lines at the end that a compaction leaves as they are.")] = (0, 3)


def _draw(settings: CompactorSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    def rewrite(group: int) -> Op:
        kind, how = choose(rng, settings.kind), choose(rng, settings.how)
        return Op("rewrite", group=group, how=how, args=rewrite_args(kind, pick(rng, settings.keep), ids))

    return draw_locked(settings, rng, rewrite)


def _size(settings: CompactorSettings) -> Size:
    return Size(highest(settings.times) * OPS_PER_TIME, 0)


def rewrite_args(kind: Kind, keep: int, ids: Ids) -> dict[str, int | str | bool]:
    """Return the arguments of an operation of the kind ``rewrite``, as `rewrite_lines` reads them.

    Args:
        kind: of the rewrite.
        keep: lines at the end that a compaction leaves as they are.
        ids: makes the id of its summary.
    """
    return {"kind": kind, "keep": keep, "summary_id": ids.next()}


def rewrite_lines(content: bytes, op: Op) -> list[bytes]:
    """Return the lines of a rewritten transcript.

    Args:
        content: the content as read under the lock.
        op: operation of the kind ``rewrite``.

    Returns:
        All lines, each with its newline. Lines that are no JSON object stay as they are.
    """
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if op.args["kind"] == "migration":
        made = _migrate(lines)
    else:
        made = _compact(lines, int(op.args["keep"]), str(op.args["summary_id"]))
    return [line + b"\n" for line in made]


def _parse(line: bytes) -> dict[str, Any]:
    """Return the object in a line; empty if there is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _compact(lines: Sequence[bytes], keep: int, summary_id: str) -> list[bytes]:
    """Return the header, one line that lists the ids of everything dropped, and the last `keep` lines."""
    head = 1 if lines and _parse(lines[0]).get("type") == "session" else 0
    cut = max(head, len(lines) - keep)
    dropped: list[str] = []
    for line in lines[head:cut]:
        entry = _parse(line)
        # A dropped compaction passes on the ids that it lists.
        inherited = entry.get("compacts")
        names = [*inherited, entry.get("id")] if isinstance(inherited, list) else [entry.get("id")]
        dropped += [name for name in names if isinstance(name, str)]
    return [*lines[:head], compaction_line(summary_id, dropped).encode(), *lines[cut:]]


def _migrate(lines: Sequence[bytes]) -> list[bytes]:
    """Return every line with another parent: the line before it, or none if it has that one already."""
    made = []
    parent = _ROOT
    for line in lines:
        entry = _parse(line)
        if not entry:
            made.append(line)
            continue
        entry["parentId"] = None if entry.get("parentId") == parent else parent
        made.append(json.dumps(entry, separators=(",", ":")).encode())
        parent = str(entry.get("id", parent))
    return made


ROLE = Role(
    "compactor",
    "Rewrites the whole transcript under the lock: compaction or migration, same file or a new one.",
    True,
    CompactorSettings,
    _draw,
    _size,
)
