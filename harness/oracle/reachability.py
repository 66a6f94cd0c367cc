"""Tell whether a reader could still notice that something unsanctioned had happened.

The *lawful* states are those that the transcript would be in if only sanctioned effects had happened
since the window opened: sanctioned appends are replayed on them byte by byte. A transcript in a lawful
state shows nothing of an earlier takeover, such as the A of an A-B-A, so a fence is not accused of
having missed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model.history import State, digest
from harness.oracle.effects import Effect, is_append
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import FOREVER
from harness.oracle.rules import EITHER, SANCTIONED
from harness.oracle.whole_lines import plain_ids
from harness.oracle.windows import Window

__all__ = ["restored_until"]

_StateKey = tuple[str, str | None]
_ANY = "any"


class _LawfulStates:
    """The lawful states, by content and file, updated effect by effect.

    Args:
        index: the history.
        window: the runner's window; it names the states that the runner may know.
        any_file: the policy allows the same bytes in another file.
    """

    def __init__(self, index: HistoryIndex, window: Window, any_file: bool) -> None:
        self._index = index
        self._any_file = any_file
        self._derived: dict[str, bytes] = {}
        self._keys: set[_StateKey] = {self._key(state) for state in window.opening}
        self._mixed = [index.blobs.get(state.content, b"") for state in window.mixed]
        # Digests of bytes that the runner read and that were never the transcript.
        self._unseen_reads = {state.content for state in window.opening if state.size < 0 and state.content}
        # Bytes that lawful appends have added to those since.
        self._appended = b""
        # Ids of contested or unseen appends, any of which may be in a lawful state; None: any bytes
        # may be.
        self._optional_ids: set[str] | None = set()
        # Unseen appends that have not begun yet; the next one is last.
        self._unseen_appends = sorted(
            index.unseen_appends, key=lambda operation: operation.begin, reverse=True
        )
        # From this time any bytes may be a participant's, in a file that was moved away and came back.
        self._unknown_from = min(
            (write.begin for write in index.unseen_writes if write.operation not in index.unseen_appends),
            default=FOREVER,
        )

    def _key(self, state: State) -> _StateKey:
        return state.content, _ANY if self._any_file and state.file is not None else state.file

    def contains(self, state: State) -> bool:
        """Return whether that state is lawful."""
        return self._key(state) in self._keys or self._may_contain(state) or self._may_have_been_read(state)

    def _may_have_been_read(self, state: State) -> bool:
        """Return whether the runner read these bytes, or may have, apart from what was appended since."""
        if not self._mixed and not self._unseen_reads:
            return False
        data = self._index.blobs.get(state.content)
        if data is None or not data.endswith(self._appended):
            return False
        data = data[: len(data) - len(self._appended)]
        if digest(data) in self._unseen_reads:
            return True
        return bool(self._mixed) and all(
            any(at < len(other) and other[at] == byte for other in self._mixed)
            for at, byte in enumerate(data)
        )

    def _may_contain(self, state: State) -> bool:
        """Return whether the state is a lawful one with lines of contested or unseen appends after it."""
        if self._optional_ids is None:
            return True
        if not self._optional_ids or state.file is None:
            return False
        data = self._index.blobs.get(state.content)
        if data is None:
            return True
        for content, file in self._keys:
            old = self._derived.get(content, self._index.blobs.get(content))
            if file == self._key(state)[1] and old is not None and data.startswith(old):
                lines = [line for line in data[len(old) :].split(b"\n") if line]
                if all(plain_ids(line) & self._optional_ids for line in lines):
                    return True
        return False

    def advance_to(self, time: int) -> None:
        """Move on to a time: from its begin on, an unseen append may be in the transcript."""
        while self._unseen_appends and self._unseen_appends[-1].begin <= time:
            operation = self._unseen_appends.pop()
            if self._optional_ids is not None:
                self._optional_ids.update(name for name, _ in operation.entries)
        if self._unknown_from <= time:
            self._optional_ids = None

    def apply_uncertain(self, effect: Effect) -> None:
        """Apply an effect that may or may not count: if the state before is lawful, the one after is, too."""
        if self.contains(effect.before):
            self._keys.add(self._key(effect.after))

    def apply_unknown(self, effect: Effect) -> None:
        """Apply an effect that cannot be told apart from others: each state around it is lawful."""
        for state in (effect.before, effect.after):
            self._keys.add(self._key(state))
        operation = effect.operation
        if self._index.is_rogue(operation.lane) or self._optional_ids is None:
            return
        if operation.kind in ("append", "guarded_write"):
            self._optional_ids.update(name for name, _ in operation.entries)
        else:
            self._optional_ids = None

    def apply_sanctioned(self, effect: Effect) -> None:
        """Apply a sanctioned effect.

        A rewrite of an unlawful transcript leaves no lawful state, because it is not known what it
        would have made of a lawful one. If the rewrite was refused, it should have changed nothing,
        so the earlier states stay lawful.
        """
        before, after = effect.before, effect.after
        keys = set(self._keys) if effect.operation.outcome == "refused" else set()
        if self.contains(before):
            keys.add(self._key(after))
        delta = self._delta(effect)
        self._appended += delta
        if not delta and (self._mixed or self._unseen_reads):
            # A rewrite of bytes that were not kept has an unknown result.
            self._optional_ids = None
        if delta:
            for content, file in self._keys - {self._key(before)}:
                old = self._derived.get(content, self._index.blobs.get(content))
                if old is not None and file is not None:
                    new = old + delta
                    self._derived[digest(new)] = new
                    keys.add((digest(new), file))
        if delta and self._optional_ids:
            # Lines of contested appends that no known state has may precede it, so it is optional as well.
            self._optional_ids.update(name for name, _ in effect.operation.entries)
            keys |= self._keys
        self._keys = keys

    def _delta(self, effect: Effect) -> bytes:
        """Return the bytes that a sanctioned append added; empty if they are not known."""
        before, after = effect.before, effect.after
        blobs = self._index.blobs
        old, new = blobs.get(before.content), blobs.get(after.content)
        if before.file != after.file or old is None or new is None:
            return b""
        if not is_append(effect.operation, before, after, blobs):
            return b""
        return new[len(old) :]


def restored_until(
    index: HistoryIndex,
    window: Window,
    effects: Sequence[Effect],
    is_reported: Callable[[Effect], bool],
    any_file: bool,
) -> int:
    """Return the time up to which all unsanctioned effects have been undone for a reader.

    Args:
        index: the history.
        window: the runner's window.
        effects: all effects of the window up to the end of the decision, by time.
        is_reported: whether the fence has reported an effect; it may then use the state after it as
            its new baseline.
        any_file: the policy allows the same bytes in another file.

    Returns:
        The end of the last effect after which the transcript was in a lawful state; -1 if there is
        none.
    """
    lawful = _LawfulStates(index, window, any_file)
    restored = -1
    ordered = sorted(effects, key=lambda effect: effect.mutations[-1].position)
    for effect in ordered:
        lawful.advance_to(effect.end)
        if effect.mutations[0].contested:
            lawful.apply_unknown(effect)
        elif effect.rule == SANCTIONED:
            lawful.apply_sanctioned(effect)
        elif effect.rule == EITHER or is_reported(effect):
            lawful.apply_uncertain(effect)
        if lawful.contains(effect.after):
            restored = max(restored, effect.end)
    return restored
