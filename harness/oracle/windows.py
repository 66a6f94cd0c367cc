"""Which mutations lie between a runner's knowledge of the transcript and its decisions.

A window opens with the bytes that a load returned, not with the moment at which the
fence took its baseline. When a mutation falls into the load itself, those bytes tell
whether the runner knows of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from harness.model.history import State, digest
from harness.oracle.index import HistoryIndex, Mutation, Operation

__all__ = ["Window", "open_window", "reload"]

_EMPTY = digest(b"")


class Window:
    """What a runner may not know of.

    Attributes:
        opened: index of the Return that opened it.
        mutations: everything that came after the knowledge, by time, of all lanes.
        doubtful: indices of those of which it is not known whether they came after.
        opening: states that the knowledge may stand for, one when all is well.
        mixed: states of which it may be a mixture that nobody told; empty when all is well.
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


def open_window(survey: HistoryIndex, load: Operation) -> Window:
    """The window that a successful `load` or `recover` opens."""
    earlier, during, later = [], [], []
    for mutation in survey.mutations:
        if mutation.end < load.begin:
            earlier.append(mutation)
        elif mutation.begin > load.end:
            later.append(mutation)
        else:
            during.append(mutation)
    if during:
        return _torn_window(load, during, later)
    state = earlier[-1].after if earlier else survey.header.initial
    if load.kind == "recover" or load.detail in ("", _content(state)):
        return Window(load.returned, later, frozenset(), (state,))
    return _stale_window(survey, load, earlier, later)


def reload(window: Window, load: Operation) -> Window:
    """The same window after a further load in the same turn.

    The runner may know now of what came before, so none of it is held against the
    fence any more, whatever it answers.
    """
    known = {mutation.index for mutation in window.mutations if mutation.begin <= load.end}
    return Window(window.opened, window.mutations, window.doubtful | known, window.opening, window.mixed)


def _content(state: State) -> str:
    """Digest of what a load returns in that state: no file reads as no bytes."""
    return state.content if state.file is not None else _EMPTY


def _torn_window(load: Operation, during: list[Mutation], later: list[Mutation]) -> Window:
    """Mutations fell into the load: what it returned tells which of them it saw.

    Where it returned one of the states it lived through, the mutations up to that
    state are known and the others are not. A state that came twice leaves what lies
    between in doubt; bytes that never were a state, all of them. A reader that needs
    several reads may hold such bytes, and where they come about later it sees no
    difference; of a recovery it is not even known which they are.
    """
    states = [during[0].before] + [mutation.after for mutation in during]
    seen = [at for at, state in enumerate(states) if load.detail == _content(state)]
    if not seen or not _chained(during) or any(mutation.contested for mutation in during):
        doubtful = frozenset(mutation.index for mutation in during)
        told = [State(state.file, load.detail) for state in states if load.detail and not seen]
        mixed = () if load.detail else states
        return Window(load.returned, during + later, doubtful, states + told, mixed)
    first, last = seen[0], seen[-1]
    doubtful = frozenset(mutation.index for mutation in during[first:last])
    return Window(load.returned, during[first:] + later, doubtful, [states[at] for at in seen])


def _stale_window(
    survey: HistoryIndex, load: Operation, earlier: list[Mutation], later: list[Mutation]
) -> Window:
    """The load returned bytes that were gone before it began, such as a cached copy."""
    states = [survey.header.initial] + [mutation.after for mutation in earlier]
    for at in range(len(states) - 1, -1, -1):
        if load.detail == _content(states[at]):
            return Window(load.returned, earlier[at:] + later, frozenset(), (states[at],))
    doubtful = frozenset(mutation.index for mutation in earlier)
    return Window(load.returned, earlier + later, doubtful, states)


def _chained(mutations: Sequence[Mutation]) -> bool:
    """Whether each mutation surely begins where the one before it ended."""
    return all(
        early.after == late.before and early.end < late.begin for early, late in itertools.pairwise(mutations)
    )
