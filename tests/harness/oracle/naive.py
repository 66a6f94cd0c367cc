"""Judge histories of the kernel gate a second time, in an obvious way.

This judge keeps the transcript that the runner may expect. It starts as the bytes that the runner
loaded, and only sanctioned effects are replayed on it. At a decision the real bytes are compared with
it: there are no classes, no net effects and no records by operation. The answer is None if the judge
cannot tell, and it allows several verdicts where the oracle may be milder.
"""

from __future__ import annotations

from harness.model.history import End, History, Invoke, Return, State, Step, digest

__all__ = ["answers"]

_APPENDING = ("append", "guarded_write")


class _Call:
    """One operation: its Invoke, its Return, and the indices of its steps."""

    def __init__(self, invoke: Invoke, at: int) -> None:
        self.invoke = invoke
        self.at = at
        self.steps: list[int] = []
        self.result: Return | None = None

    @property
    def span(self) -> tuple[int, int]:
        return (self.steps[0], self.steps[-1]) if self.steps else (self.at, self.at)


class _Judge:
    """The expected and the real transcript of one runner."""

    def __init__(self, history: History, lane: int, calls: dict[tuple[int, int], _Call]) -> None:
        self.history = history
        self.lane = lane
        self.calls = calls
        self.files_matter = history.header.policy_rules["same_bytes_other_file"] == "takeover"
        self.expected: bytes | None = None
        self.real: bytes | None = None
        self.lost = False  # the expected transcript is not known any more
        self.disturbed = self.reported = False
        self.at = -1

    def seen(self, state: State) -> bytes | None:
        """Return the bytes that a reader gets, with the file's identity if the policy minds files."""
        if state.file is None:
            return None
        content = self.history.blobs[state.content]
        return state.file.encode() + b":" + content if self.files_matter else content

    def open(self, call: _Call) -> bool:
        """Start from the bytes that a load returned; return False unless they were exactly one state."""
        first, last = call.span
        states = [(-1, self.history.header.initial)]
        for at in range(last + 1):
            event = self.history.events[at]
            if isinstance(event, Step) and event.change is not None:
                states.append((at, event.change.after))
        before = [item for item in states if item[0] < first][-1]
        assert call.result is not None
        returned = call.result.detail
        near = [before, *(item for item in states if item[0] >= first)]
        fits = [(at, state) for at, state in near if returned == digest(self._content(state))]
        if len(fits) != 1 or (call.invoke.kind == "recover" and len(near) > 1):
            return False
        self.at, state = fits[0]
        self.expected = self.real = self.seen(state)
        self.lost = self.disturbed = self.reported = False
        return True

    def _content(self, state: State) -> bytes:
        return b"" if state.file is None else self.history.blobs[state.content]

    def advance(self, until: int) -> tuple[bool, bool]:
        """Advance to an index; return whether an unsanctioned change came, and whether the bytes ever fit."""
        disturbed = fitted = False
        for at in range(self.at + 1, until):
            event = self.history.events[at]
            if isinstance(event, Step) and event.change is not None:
                disturbed |= self._apply(event)
                fitted |= not self.differs()
        self.at = max(self.at, until - 1)
        return disturbed, fitted

    def _apply(self, step: Step) -> bool:
        change = step.change
        assert change is not None
        before, after = self.seen(change.before), self.seen(change.after)
        self.real = after
        sanctioned = self._sanctioned(step)
        # A change to another file with the same bytes is no change here, and no fault for the oracle.
        self.disturbed |= not sanctioned or (before == after and step.lane != self.lane)
        if not sanctioned:
            return before != after
        call = self.calls[(step.lane, step.op)]
        if before == self.expected:
            self.expected = after
        elif (
            call.invoke.kind in _APPENDING
            and before is not None
            and after is not None
            and self.expected is not None
            and after.startswith(before)
        ):
            self.expected += after[len(before) :]
        elif before != after:
            self.lost = True  # a sanctioned rewrite of an unlawful transcript
        return False

    def _sanctioned(self, step: Step) -> bool:
        lanes, rules = self.history.header.lanes, self.history.header.policy_rules
        if step.lane == self.lane:
            return True
        assert step.change is not None
        if not lanes[step.lane].participant or not step.change.held or step.change.reclaimed:
            return False
        where = "same_process" if lanes[step.lane].process == lanes[self.lane].process else "other_process"
        return rules[f"cotenant_append_{where}"] == rules[f"participant_rewrite_{where}"] == "sanctioned"

    def differs(self) -> bool:
        return self.lost or self.real != self.expected

    def decide(self, call: _Call, refused: bool) -> set[str]:
        """Return the verdicts that are right for a decision."""
        first, last = call.span
        self.advance(first)
        differed = self.differs()
        racing, fitted = self.advance(last + 1)
        if not refused:
            if differed and self.reported:
                # An effect that was reported before and came again may be known by now.
                return {"missed_takeover", "racing", "true_negative"}
            if differed:
                return {"racing", "true_negative"} if fitted else {"missed_takeover"}
            return {"racing"} if racing else {"true_negative"}
        if differed or racing:
            self.reported, self.lost, self.expected = True, False, self.real
            return {"true_positive", "uncounted"}
        return {"false_positive", "uncounted"} if self.disturbed or self.reported else {"false_positive"}


def answers(history: History) -> dict[tuple[int, int], set[str] | None]:
    """Return the right verdicts by lane and operation of each decision; None if unknown."""
    calls: dict[tuple[int, int], _Call] = {}
    for at, event in enumerate(history.events):
        if isinstance(event, Invoke):
            calls[(event.lane, event.op)] = _Call(event, at)
        elif isinstance(event, Step):
            calls[(event.lane, event.op)].steps.append(at)
        elif not isinstance(event, End):
            calls[(event.lane, event.op)].result = event
    found: dict[tuple[int, int], set[str] | None] = {}
    for lane in range(len(history.header.lanes)):
        found |= _of_lane(history, lane, calls)
    return found


def _of_lane(
    history: History, lane: int, calls: dict[tuple[int, int], _Call]
) -> dict[tuple[int, int], set[str] | None]:
    found: dict[tuple[int, int], set[str] | None] = {}
    judge, turn, known, loads = _Judge(history, lane, calls), -1, False, 0
    for name, call in sorted(item for item in calls.items() if item[0][0] == lane):
        kind, outcome = call.invoke.kind, call.result.outcome if call.result is not None else ""
        if call.invoke.turn < 0:
            continue
        if call.invoke.turn != turn:
            turn, known, loads = call.invoke.turn, False, 0
        if kind in ("load", "recover") and outcome == "ok":
            loads = 1 if kind == "recover" else loads + 1
            # The effect of a second load is not judged here.
            known = judge.open(call) and loads == 1
        elif (outcome == "refused" and kind != "begin_turn") or (outcome == "ok" and kind == "guarded_write"):
            if known:
                found[name] = judge.decide(call, outcome == "refused")
            else:
                found[name] = None if loads else {"uncounted"}
    return found
