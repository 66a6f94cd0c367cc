"""Whether a reader could still tell that something unsanctioned had happened.

The *lawful* states are those that the transcript would be in, had only sanctioned
effects happened since the window opened: sanctioned appends are replayed on them byte
by byte. A transcript in a lawful state shows nothing of an earlier takeover, such as
the A of an A-B-A, and nobody is accused of having missed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model.history import State, digest
from harness.oracle.effects import Effect, is_append
from harness.oracle.index import FOREVER, HistoryIndex
from harness.oracle.rules import EITHER, SANCTIONED
from harness.oracle.whole_lines import plain_ids
from harness.oracle.windows import Window

__all__ = ["restored_until"]

_Place = tuple[str, str | None]
_ANY = "any"


class _Lawful:
    """The lawful states, by content and file, moving along with the effects.

    Args:
        survey: the history.
        window: with the states of which one is what the runner knows.
        any_file: the policy does not mind the same bytes in another file.
    """

    def __init__(self, survey: HistoryIndex, window: Window, any_file: bool) -> None:
        self._survey = survey
        self._any_file = any_file
        self._made: dict[str, bytes] = {}
        self._places: set[_Place] = {self._place(state) for state in window.opening}
        self._mixed = [survey.blobs.get(state.content, b"") for state in window.mixed]
        # Bytes that the runner read and that never stood in the transcript.
        self._unheard = {state.content for state in window.opening if state.size < 0 and state.content}
        # What lawful appends have added to such bytes since.
        self._since = b""
        # Lines of contested or unseen appends, any of which may be in a lawful state;
        # None: anything may.
        self._loose: set[str] | None = set()
        # Unseen appends that have not begun yet, the next one last.
        self._unseen = sorted(survey.off_path, key=lambda operation: operation.begin, reverse=True)
        # From then on any bytes may be a participant's, brought back by whoever took the file away.
        self._rewritten = min(
            (write.begin for write in survey.blind if write.operation not in survey.off_path), default=FOREVER
        )

    def _place(self, state: State) -> _Place:
        return state.content, _ANY if self._any_file and state.file is not None else state.file

    def holds(self, state: State) -> bool:
        """Whether that state is lawful."""
        return self._place(state) in self._places or self._may_hold(state) or self._may_be_read(state)

    def _may_be_read(self, state: State) -> bool:
        """Whether these bytes are such as the runner read or may have read, with what was added since."""
        if not self._mixed and not self._unheard:
            return False
        data = self._survey.blobs.get(state.content)
        if data is None or not data.endswith(self._since):
            return False
        data = data[: len(data) - len(self._since)]
        if digest(data) in self._unheard:
            return True
        return bool(self._mixed) and all(
            any(place < len(other) and other[place] == byte for other in self._mixed)
            for place, byte in enumerate(data)
        )

    def _may_hold(self, state: State) -> bool:
        """Whether it is a lawful state with lines of contested appends after it."""
        if self._loose is None:
            return True
        if not self._loose or state.file is None:
            return False
        data = self._survey.blobs.get(state.content)
        if data is None:
            return True
        for content, file in self._places:
            old = self._made.get(content, self._survey.blobs.get(content))
            if file == self._place(state)[1] and old is not None and data.startswith(old):
                lines = [line for line in data[len(old) :].split(b"\n") if line]
                if all(plain_ids(line) & self._loose for line in lines):
                    return True
        return False

    def reach(self, time: int) -> None:
        """Move on to a time: no line is in the transcript before the append that writes it has begun."""
        while self._unseen and self._unseen[-1].begin <= time:
            operation = self._unseen.pop()
            if self._loose is not None:
                self._loose.update(name for name, _ in operation.entries)
        if self._rewritten <= time:
            self._loose = None

    def tolerate(self, effect: Effect) -> None:
        """Take in an effect that may or may not count: both outcomes are lawful."""
        if self.holds(effect.before):
            self._places.add(self._place(effect.after))

    def doubt(self, effect: Effect) -> None:
        """Take in an effect of which nobody can say what it did: whatever was there is lawful."""
        for state in (effect.before, effect.after):
            self._places.add(self._place(state))
        operation = effect.operation
        if self._survey.is_rogue(operation.lane) or self._loose is None:
            return
        if operation.kind in ("append", "guarded_write"):
            self._loose.update(name for name, _ in operation.entries)
        else:
            self._loose = None

    def advance(self, effect: Effect) -> None:
        """Take in a sanctioned effect.

        A rewrite of an unlawful transcript leaves no lawful state: what it would have
        made of a lawful one is not known. One that was refused was to make nothing of it:
        whoever was told so counts on the states that were lawful before.
        """
        before, after = effect.before, effect.after
        places = set(self._places) if effect.operation.outcome == "refused" else set()
        if self.holds(before):
            places.add(self._place(after))
        delta = self._delta(effect)
        self._since += delta
        if not delta and (self._mixed or self._unheard):
            # What a rewrite makes of bytes that nobody has is not known.
            self._loose = None
        if delta:
            for content, file in self._places - {self._place(before)}:
                old = self._made.get(content, self._survey.blobs.get(content))
                if old is not None and file is not None:
                    new = old + delta
                    self._made[digest(new)] = new
                    places.add((digest(new), file))
        if delta and self._loose:
            # Lines of contested appends may stand before it that no place has: it is loose as well.
            self._loose.update(name for name, _ in effect.operation.entries)
            places |= self._places
        self._places = places

    def _delta(self, effect: Effect) -> bytes:
        """What a sanctioned append added; empty when that is not known."""
        before, after = effect.before, effect.after
        blobs = self._survey.blobs
        old, new = blobs.get(before.content), blobs.get(after.content)
        if before.file != after.file or old is None or new is None:
            return b""
        if not is_append(effect.operation, before, after, blobs):
            return b""
        return new[len(old) :]


def restored_until(
    survey: HistoryIndex,
    window: Window,
    effects: Sequence[Effect],
    is_reported: Callable[[Effect], bool],
    any_file: bool,
) -> int:
    """Time up to which everything unsanctioned has been undone for a reader.

    Args:
        survey: the history.
        window: the runner's window.
        effects: all effects of the window up to the end of the decision, by time.
        is_reported: whether the fence has reported an effect; what it has reported
            it may take for its new baseline.
        any_file: the policy does not mind the same bytes in another file.

    Returns:
        End of the last effect that is undone in a state that a reader could find
        just before the decision or during it; -1 when there is none.
    """
    lawful = _Lawful(survey, window, any_file)
    restored = -1
    ordered = sorted(effects, key=lambda effect: effect.mutations[-1].position)
    for effect in ordered:
        lawful.reach(effect.end)
        if effect.mutations[0].contested:
            lawful.doubt(effect)
        elif effect.rule == SANCTIONED:
            lawful.advance(effect)
        elif effect.rule == EITHER or is_reported(effect):
            lawful.tolerate(effect)
        if lawful.holds(effect.after):
            restored = max(restored, effect.end)
    return restored
