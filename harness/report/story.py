"""Tell a violation as a short story: the steps of each lane, the start of the window, the effect.

Consecutive steps of one operation make one line. Steps that changed nothing and decided nothing are
shortened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.model.code_trace import CodeTrace
from harness.model.history import Change, End, Event, History, Invoke, LockEvent, Return, Step
from harness.oracle import Judgement, Violation
from harness.report.passage_code import NOTHING, CodeOfPassages, PassageCode, code_lines
from harness.results.witness import Critical
from harness.scenario.faults import process_fault

__all__ = ["Passage", "Remark", "brief", "decisive", "headline", "name_of", "passages", "story"]

_QUIET = frozenset({"think", "pause"})
_LINES_MAX = 60
_CALLS_MAX = 4
_TEXT_MAX = 400
#: A name of ours is shorter; one in a file that came from anywhere may have any length.
_NAME_MAX = 80
_FORMS = {"cause": "<== {}", "verdict": "<== {}", "outcome": "-> {}", "window": "-> {}"}


class Remark(NamedTuple):
    """A remark on an event: its kind (``fault change lock cause outcome window verdict``) and words."""

    kind: str
    words: str

    def __str__(self) -> str:
        return _FORMS.get(self.kind, "[{}]").format(_one_line(self.words))


class Passage(NamedTuple):
    """Consecutive steps of one operation.

    Attributes:
        at: index of the first event.
        lane: name of the lane.
        operation: name of the operation.
        calls: the file calls, shortened; may be empty.
        remarks: remarks in the order of events.
        code: what the code of the lane did.
        crashed: whether the operation ended there with an exception that the protocol does not know.
    """

    at: int
    lane: str
    operation: str
    calls: str
    remarks: tuple[Remark, ...]
    code: PassageCode = NOTHING
    crashed: bool = False

    def __str__(self) -> str:
        calls = [f"({self.calls})"] if self.calls else []
        return " ".join([self.operation, *calls, *map(str, self.remarks)])


def headline(history: History, violation: Violation) -> str:
    """Return one sentence: the kind, and the oracle's detail."""
    return f"{violation.kind.replace('_', ' ')}: {_one_line(violation.detail)}"


def _one_line(text: str) -> str:
    """Return a fence's message on one line, shortened and safe for a terminal."""
    return _printable(brief(text))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def brief(text: str) -> str:
    """Return the text, shortened if it is very long."""
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}..."


def name_of(text: str) -> str:
    """Return a name on one line, shortened if it is very long."""
    return _printable(text if len(text) <= _NAME_MAX else f"{text[:_NAME_MAX]}...")


def story(
    history: History,
    judgement: Judgement,
    violation: Violation,
    critical: Sequence[Critical] = (),
    code: CodeTrace | None = None,
    whole: bool = False,
) -> list[str]:
    """Return the interleaving that shows a violation, as lines of text.

    Args:
        history: the history.
        judgement: the oracle's judgement of it.
        violation: the violation to show.
        critical: pairs of steps whose order decides; only the first is shown.
        code: what the code of the lanes did; None where that is not known.
        whole: whether all is told that the lanes printed.

    Returns:
        At most 60 lines without line ends, below each what its code did; and one more for the critical pair,
        for each process in another PID namespace, and for each clock that is wrong.
    """
    width = max((len(name_of(lane.name)) for lane in history.header.lanes), default=0)
    apart = [lane for lane in history.header.lanes if lane.pid_namespace]
    below = " " * (width + 11)
    text = [
        "\n".join(
            [
                f"{one.at:>5}  {one.lane:<{width}}  {one}",
                *(f"{below}{line}" for line in code_lines(one.code, one.crashed, whole)),
            ]
        )
        for one in passages(history, violation, code)
    ]
    if len(text) > _LINES_MAX:
        # The line with the number of missing lines takes the place of one line.
        cut = len(text) - (_LINES_MAX - 1)
        head = _LINES_MAX // 2 - 1
        text = [*text[:head], f"       ... {cut} more ...", *text[head + cut :]]
    intro = [
        f"       process {name_of(lane.process)} is in another PID namespace ({name_of(lane.pid_namespace)})"
        for lane in {lane.process: lane for lane in apart}.values()
    ]
    clocks = {lane.process: lane.clock for lane in history.header.lanes if lane.clock}
    intro += [
        f"       process {name_of(process)}: its clock is {name_of(clock)}"
        for process, clock in clocks.items()
    ]
    if history.header.file_clock:
        intro.append(f"       time stamps: the file system's clock is {name_of(history.header.file_clock)}")
    lines = [line for passage in text for line in passage.split("\n")]
    return [*intro, *lines, *(decisive(pair) for pair in critical[:1])]


def passages(history: History, violation: Violation, code: CodeTrace | None = None) -> list[Passage]:
    """Return the passages of a history, without operations that only wait.

    Args:
        history: the history.
        violation: the violation in it.
        code: what the code of the lanes did; None where that is not known.
    """
    parts = list(_parts(history.events))
    dealt = CodeOfPassages(history, code, parts)
    found = (_passage(history, part, violation, dealt.next(part)) for part in parts)
    return [one for one in found if one is not None]


def decisive(pair: Critical) -> str:
    """Return a critical pair as a sentence."""
    instead = "nothing is wrong" if pair.clean else "this violation does not occur"
    first, second = _one_line(str(pair.first)), _one_line(str(pair.second))
    return f"deciding order: {first} before {second}; in the other order {instead}"


def _parts(events: tuple[Event, ...]) -> Iterator[list[tuple[int, Event]]]:
    """Yield runs of consecutive events of one operation."""
    part: list[tuple[int, Event]] = []
    for index, event in enumerate(events):
        if isinstance(event, End):
            break
        key = (event.lane, event.op)
        if part:
            last = part[-1][1]
            assert not isinstance(last, End)
            if (last.lane, last.op) != key:
                yield part
                part = []
        part.append((index, event))
    if part:
        yield part


def _passage(
    history: History, part: list[tuple[int, Event]], violation: Violation, code: PassageCode
) -> Passage | None:
    first_index, first = part[0]
    assert not isinstance(first, End)
    invoke = _invoke(history, first.lane, first.op)
    if invoke is None:
        return None
    if invoke.kind in _QUIET and not code.printed and not any(_is_notable(violation, *one) for one in part):
        return None
    remarks = [remark for index, event in part for remark in _remarks(history, index, event, violation)]
    steps = [event for _, event in part if isinstance(event, Step)]
    if not steps and not remarks and code == NOTHING:
        return None
    name = name_of(history.header.lanes[first.lane].name)
    crashed = any(isinstance(event, Return) and event.outcome == "crash" for _, event in part)
    return Passage(first_index, name, _operation(invoke), _calls(steps), tuple(remarks), code, crashed)


def _is_notable(violation: Violation, index: int, event: Event) -> bool:
    """Return whether an event is shown even if the lane only waits."""
    return index in violation.causes or (isinstance(event, Step) and bool(event.fault))


def _invoke(history: History, lane: int, op: int) -> Invoke | None:
    for event in history.events:
        if isinstance(event, Invoke) and event.lane == lane and event.op == op:
            return event
    return None


def _operation(invoke: Invoke) -> str:
    name = invoke.how if invoke.kind == "action" else invoke.kind
    if invoke.kind == "rewrite":
        name = f"rewrite {invoke.how.replace('_', ' ')}"
    if invoke.entries:
        name += " " + "+".join(kind for _, kind in invoke.entries)
    return _one_line(name)


def _calls(steps: list[Step]) -> str:
    names: list[str] = []
    for step in steps:
        if step.is_process_fault:
            continue
        name = _one_line(f"{step.call} {step.note if step.call == 'key' else step.path}".rstrip(" "))
        if names and names[-1].split(" x")[0] == name:
            count = int(names[-1].partition(" x")[2] or 1) + 1
            names[-1] = f"{name} x{count}"
        else:
            names.append(name)
    if len(names) > _CALLS_MAX:
        names = [*names[:2], "...", names[-1]]
    return ", ".join(names)


def _remarks(history: History, index: int, event: Event, violation: Violation) -> list[Remark]:
    remarks = []
    if isinstance(event, Step):
        if event.fault:
            remarks.append(Remark("fault", _fault(history, event)))
        if event.change is not None:
            remarks.append(Remark("change", _change(event.change)))
        if event.lock is not None and event.lock.kind != "acquired":
            owner = event.lock.owner
            whose = name_of(history.header.lanes[owner].name) if owner >= 0 else ""
            remarks.append(Remark("lock", _lock(event.lock, whose)))
        elif event.lock is not None:
            remarks.append(Remark("lock", "takes the lock"))
        if index in violation.causes:
            suspect = violation.kind == "false_positive"
            remarks.append(Remark("cause", "taken for a takeover" if suspect else "the effect"))
        if index == violation.at:
            remarks.append(Remark("verdict", violation.kind.replace("_", " ").upper()))
    elif isinstance(event, Return):
        if event.outcome not in ("ok", "skipped"):
            detail = f" ({brief(event.detail)})" if event.detail else ""
            waited = f" after {event.waited_ms} ms" if event.waited_ms >= 0 else ""
            remarks.append(Remark("outcome", event.outcome.upper() + waited + detail))
        if index == violation.window_from:
            early = any(cause < index for cause in violation.causes)
            words = "the window has been open since its read" if early else "the window opens"
            remarks.append(Remark("window", words))
        if index == violation.at:
            remarks.append(Remark("verdict", violation.kind.replace("_", " ").upper()))
    return remarks


def _lock(lock: LockEvent, whose: str) -> str:
    if lock.kind == "hollow":
        return "locks a file that no longer has its name"
    if lock.kind == "shared":
        return "lock shared with other lanes"
    if lock.kind == "returned":
        return f"lock returned to {whose}"
    return f"lock {lock.kind} from {whose}" if whose else f"lock {lock.kind}"


def _fault(history: History, step: Step) -> str:
    process = name_of(history.header.lanes[step.lane].process)
    if step.failed or step.fault == "short":
        what = f"made to fail with {step.fault}" if step.failed else f"cut short, {step.note}"
        return f"{step.call} {what}".rstrip(", ")
    during_call = "" if step.is_process_fault else f"in the middle of its {step.call}, "
    kind = process_fault(step.fault)
    # The package that defined the fault may no longer be installed.
    told = kind.told if kind is not None else f"{step.fault}: {{note}}"
    return told.format(process=process, note=during_call + step.note)


def _change(change: Change) -> str:
    before, after = change.before, change.after
    if after.file is None:
        return "the file is gone"
    if before.file is None:
        return f"a file appears, {after.size} bytes"
    what = (
        f"{before.size} -> {after.size} bytes"
        if before.size != after.size
        else (f"other bytes, same size {after.size}" if before.content != after.content else "same bytes")
    )
    return what + (f", {before.file} -> {after.file}" if before.file != after.file else "")
