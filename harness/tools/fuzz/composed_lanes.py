"""Draw lanes whose role is composed of operations, and cut their operations.

`harness.model.op_order` says in which orders a fence promises to serve operations. The draws keep to it by
construction: work under the lock, or a turn with the lane's own writer beside it. The cuts ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from hypothesis import strategies as st

from harness.model.op_order import OpOrder
from harness.model.transcript_lines import CANONICAL
from harness.scenario.roles.composed import meaningless_keys
from harness.tools.fuzz.draws import APPENDED, SHARED, Data, Draws, one_of, some, span

__all__ = ["COMPOSED_KEYS", "composed_lane", "shorter_roles"]

#: Optional keys of a composed lane; a lane has those that say something about its operations.
COMPOSED_KEYS: Final[Draws] = SHARED | {
    "times": span(1, 3),
    "rounds": span(1, 3),
    "think_steps": span(0, 10),
    "pause_ms": one_of(20, 200, 5000),
    "lines": span(1, 2),
    "entries": some(APPENDED),
    "writes": some(CANONICAL),
    "how": some(("in_place", "rename")),
    "kind": some(("compaction", "migration")),
    "keep": span(0, 2),
}
_Operations = tuple[str, ...]


def _joined(parts: Sequence[_Operations]) -> _Operations:
    return tuple(chain.from_iterable(parts))


_WORK: Final = st.lists(
    one_of("append", "load", "rewrite", "think", "pause"), min_size=1, max_size=3, unique=True
).map(lambda inside: ("acquire", *inside, "release"))
_WORKER: Final = st.tuples(_WORK, st.lists(one_of(("think",), ("pause",)) | _WORK, max_size=2)).map(
    lambda drawn: _joined((drawn[0], *drawn[1]))
)
_DECISION: Final = one_of(("guarded_write",), ("think", "guarded_write"), ("guarded_write", "recover"))
_BESIDE: Final = one_of(("acquire", "append", "release"), ("think",), ("pause",))
_AGENT: Final = st.tuples(one_of((), ("append",)), st.lists(_DECISION | _BESIDE, min_size=1, max_size=3)).map(
    lambda drawn: ("begin_turn", "load", *drawn[0], "release_for_prompt", *_joined(drawn[1]), "end_turn")
)


def composed_lane() -> st.SearchStrategy[Data]:
    """Return a strategy of lanes with a composed role.

    A ``worker`` works under the lock, an ``agent`` takes turns.
    """
    return _lane("worker", _WORKER) | _lane("agent", _AGENT)


def _lane(name: str, operations: st.SearchStrategy[_Operations]) -> st.SearchStrategy[Data]:
    return operations.flatmap(
        lambda drawn: st.fixed_dictionaries(
            {"role": st.just({"name": name, "operations": list(drawn)})}, optional=_keys(drawn)
        )
    )


def _keys(operations: Sequence[str]) -> Draws:
    """Return the draws of the keys that say something about the operations."""
    useless = {key for key, _ in meaningless_keys(tuple(COMPOSED_KEYS), operations)}
    return {key: draw for key, draw in COMPOSED_KEYS.items() if key not in useless}


def shorter_roles(lane: Data) -> Iterator[Data]:
    """Yield a composed lane without some of its operations, the longest cuts first.

    Each has an order that a fence promises to serve, and no key without an operation. A lane of another
    kind yields nothing.
    """
    role = lane["role"]
    if not isinstance(role, dict):
        return
    operations = role["operations"]
    for length in range(len(operations) - 1, 0, -1):
        for start in range(len(operations) - length + 1):
            rest = [*operations[:start], *operations[start + length :]]
            if _is_served(rest):
                useless = {key for key, _ in meaningless_keys(tuple(lane), rest)}
                kept = {key: value for key, value in lane.items() if key not in useless}
                yield {**kept, "role": {**role, "operations": rest}}


def _is_served(operations: Sequence[str]) -> bool:
    order = OpOrder()
    return not any(order.follow(kind) for kind in operations) and not order.unfinished()
