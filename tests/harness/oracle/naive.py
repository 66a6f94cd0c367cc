"""A second judge, made to be obvious: it keeps the transcript that the runner has a right to expect.

That transcript starts as the bytes that the runner loaded, and only sanctioned effects
are replayed on it. At a decision the real bytes are compared with it, nothing else:
no classes, no net effects, no bookkeeping by operation. Where it cannot tell, it says
so (None), and where the oracle may be milder it allows for that; under the kernel gate
only.
"""

from __future__ import annotations

from harness.model.history import End, History, Invoke, Return, State, Step, digest

__all__ = ["answers"]

_APPENDING = ("append", "guarded_write")


class _Call:
    """An operation: its Invoke, its Return, the places of its steps."""

    def __init__(self, invoke: Invoke, at: int) -> None:
        self.invoke = invoke
        self.at = at
        self.steps: list[int] = []
        self.result: Return | None = None

    @property
    def span(self) -> tuple[int, int]:
        return (self.steps[0], self.steps[-1]) if self.steps else (self.at, self.at)


class _Judge:
    """Follows one runner."""

    def __init__(self, history: History, lane: int, calls: dict[tuple[int, int], _Call]) -> None:
        self.history = history
        self.lane = lane
        self.calls = calls
        self.files_matter = history.header.policy_rules["same_bytes_other_file"] == "takeover"
        self.expected: bytes | None = None
        self.real: bytes | None = None
        self.lost = False  # nobody can say any more what the runner may expect
        self.meddled = self.reported = False
        self.at = -1

    def seen(self, state: State) -> bytes | None:
        """What a reader gets; where files matter, together with the file's name."""
        if state.file is None:
            return None
        content = self.history.blobs[state.content]
        return state.file.encode() + b":" + content if self.files_matter else content

    def open(self, call: _Call) -> bool:
        """Start from what a load returned; False where that is not one state that was there."""
        first, last = call.span
        states = [(-1, self.history.header.initial)]
        for at in range(last + 1):
            event = self.history.events[at]
            if isinstance(event, Step) and event.change is not None:
                states.append((at, event.change.after))
        before = [item for item in states if item[0] < first][-1]
        assert call.result is not None
        told = call.result.detail
        near = [before, *(item for item in states if item[0] >= first)]
        fits = [(at, state) for at, state in near if told == digest(self._content(state))]
        if len(fits) != 1 or (call.invoke.kind == "recover" and len(near) > 1):
            return False
        self.at, state = fits[0]
        self.expected = self.real = self.seen(state)
        self.lost = self.meddled = self.reported = False
        return True

    def _content(self, state: State) -> bytes:
        return b"" if state.file is None else self.history.blobs[state.content]

    def follow(self, until: int) -> tuple[bool, bool]:
        """Go on to a place: whether anything unsanctioned came on the way, and whether all was well then."""
        meddled = well = False
        for at in range(self.at + 1, until):
            event = self.history.events[at]
            if isinstance(event, Step) and event.change is not None:
                meddled |= self._take(event)
                well |= not self.differs()
        self.at = max(self.at, until - 1)
        return meddled, well

    def _take(self, step: Step) -> bool:
        change = step.change
        assert change is not None
        before, after = self.seen(change.before), self.seen(change.after)
        self.real = after
        sanctioned = self._sanctioned(step)
        # Another file with the same bytes is nothing here, and nobody's fault for the oracle.
        self.meddled |= not sanctioned or (before == after and step.lane != self.lane)
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
            self.lost = True  # a lawful rewrite of what was not lawful
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
        """Verdicts that are right for a decision."""
        first, last = call.span
        self.follow(first)
        differed = self.differs()
        racing, well = self.follow(last + 1)
        if not refused:
            if differed and self.reported:
                # What has been reported before, and came again, may be known by now.
                return {"missed_takeover", "racing", "true_negative"}
            if differed:
                return {"racing", "true_negative"} if well else {"missed_takeover"}
            return {"racing"} if racing else {"true_negative"}
        if differed or racing:
            self.reported, self.lost, self.expected = True, False, self.real
            return {"true_positive", "uncounted"}
        return {"false_positive", "uncounted"} if self.meddled or self.reported else {"false_positive"}


def answers(history: History) -> dict[tuple[int, int], set[str] | None]:
    """Verdicts that are right, by lane and operation of each decision."""
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
            # What a second load is worth is a question of its own.
            known = judge.open(call) and loads == 1
        elif (outcome == "refused" and kind != "begin_turn") or (outcome == "ok" and kind == "guarded_write"):
            if known:
                found[name] = judge.decide(call, outcome == "refused")
            else:
                found[name] = None if loads else {"uncounted"}
    return found
