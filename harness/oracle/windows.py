"""Find the mutations between a runner's knowledge of the transcript and its decisions.

A window opens with the bytes that a load returned, not at the moment at which the fence took its
baseline. If a mutation falls into the load itself, those bytes tell whether the runner knows of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.model.history import State, digest
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Mutation, Operation

__all__ = ["Window", "open_window", "reload"]

_EMPTY = digest(b"")


class Window:
    """The mutations that a runner may not know of.

    Attributes:
        opened: index of the Return that opened the window.
        mutations: mutations of all lanes after the state that the runner knows, by time.
        doubtful: indices of those that the runner may know of already.
        opening: states that the runner may know; usually one.
        mixed: states of which a recovery may have read a mixture that it did not return; usually
            empty.
    """

    __slots__ = ("doubtful", "mixed", "mutations", "opened", "opening")

    def __init__(
        self,
        opened: int,
        mutations: Sequence[Mutation],
        doubtful: frozenset[int],
        opening: Sequence[State],
        mixed: Sequence[State] = (),
    ) -> None:
        self.opened = opened
        self.mutations = mutations
        self.doubtful = doubtful
        self.opening = opening
        self.mixed = mixed


def open_window(index: HistoryIndex, load: Operation) -> Window:
    """Return the window that a successful `load` or `recover` opens."""
    earlier, during, later = [], [], []
    for mutation in index.mutations:
        if mutation.end < load.begin:
            earlier.append(mutation)
        elif mutation.begin > load.end:
            later.append(mutation)
        else:
            during.append(mutation)
    if during:
        return _torn_window(load, during, later)
    state = earlier[-1].after if earlier else index.header.initial
    if load.kind == "recover" or load.detail in ("", _content(state)):
        return Window(load.returned, later, frozenset(), (state,))
    return _stale_window(index, load, earlier, later)


def reload(window: Window, load: Operation) -> Window:
    """Return the same window after a further load in the same turn.

    The runner may know of the mutations before this load now, so they are no longer held against the
    fence, whether it refuses or admits.
    """
    known = {mutation.index for mutation in window.mutations if mutation.begin <= load.end}
    return Window(window.opened, window.mutations, window.doubtful | known, window.opening, window.mixed)


def _content(state: State) -> str:
    """Return the digest of what a load returns in that state; a missing file reads as no bytes."""
    return state.content if state.file is not None else _EMPTY


def _torn_window(load: Operation, during: list[Mutation], later: list[Mutation]) -> Window:
    """Return the window of a load during which the transcript changed.

    If the load returned one of the states during it, the runner knows the mutations up to that state
    and not the others. If that state occurred twice, the mutations in between are in doubt. If the
    bytes never were a state, all mutations are in doubt: a reader that needs several reads may hold
    such bytes, and it sees no difference if the transcript has them later. A recovery that returns no
    bytes may hold any mixture of the states.
    """
    states = [during[0].before] + [mutation.after for mutation in during]
    seen = [at for at, state in enumerate(states) if load.detail == _content(state)]
    if not seen or not _is_chain(during) or any(mutation.contested for mutation in during):
        doubtful = frozenset(mutation.index for mutation in during)
        returned = [State(state.file, load.detail) for state in states if load.detail and not seen]
        mixed = () if load.detail else states
        return Window(load.returned, during + later, doubtful, states + returned, mixed)
    first, last = seen[0], seen[-1]
    doubtful = frozenset(mutation.index for mutation in during[first:last])
    return Window(load.returned, during[first:] + later, doubtful, [states[at] for at in seen])


def _stale_window(
    index: HistoryIndex, load: Operation, earlier: list[Mutation], later: list[Mutation]
) -> Window:
    """Return the window of a load that returned bytes from before it began, such as a cached copy."""
    states = [index.header.initial] + [mutation.after for mutation in earlier]
    for at in range(len(states) - 1, -1, -1):
        if load.detail == _content(states[at]):
            return Window(load.returned, earlier[at:] + later, frozenset(), (states[at],))
    doubtful = frozenset(mutation.index for mutation in earlier)
    return Window(load.returned, earlier + later, doubtful, states)


def _is_chain(mutations: Sequence[Mutation]) -> bool:
    """Return whether each mutation surely begins at the end of the one before."""
    return all(
        early.after == late.before and early.end < late.begin for early, late in itertools.pairwise(mutations)
    )
