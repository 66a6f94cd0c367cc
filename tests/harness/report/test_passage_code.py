"""A story says of each passage which lines made its calls, what they printed, and how it ended."""

from __future__ import annotations

from harness.model.code_trace import CodeTrace, Place, Printed, Raised, Stack
from harness.model.history import Invoke, Step
from harness.oracle import judge
from harness.report.passage_code import PassageCode, code_lines
from harness.report.story import story
from tests.harness.oracle.histories import EDITOR, Story

LOOK = Place("own.py", 9, "look", "return read_all(self.path)")
WRITE = Place("own.py", 5, "guarded_write", "append_lines(self.path, entries)")
PROTOCOL = Place("fence/protocol.py", 107, "begin_turn", "self.lock.acquire()", inherited=True)


def told(code: CodeTrace | None, *, whole: bool = False) -> list[str]:
    play = Story()
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    history = play.history()
    judgement = judge(history)
    (violation,) = judgement.violations
    return story(history, judgement, violation, code=code, whole=whole)


def last_op() -> tuple[int, int]:
    """Return lane and number of the operation that is accused, and the number of its first step."""
    play = Story()
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    events = play.history().events
    op = next(one.op for one in events if isinstance(one, Invoke) and one.kind == "guarded_write")
    steps = [one for one in events if isinstance(one, Step)]
    return op, next(at for at, one in enumerate(steps) if (one.lane, one.op) == (0, op))


def below(text: list[str], operation: str) -> list[str]:
    """Return the lines below that of an operation."""
    at = next(at for at, line in enumerate(text) if operation in line)
    found = []
    for line in text[at + 1 :]:
        if not line.startswith(" " * 10):
            break
        found.append(line.strip())
    return found


def test_a_story_of_an_empty_trace_is_one_without() -> None:
    assert told(None) == told(CodeTrace())


def test_a_passage_names_its_lines_and_their_prints() -> None:
    op, step = last_op()
    steps = (*(-1 for _ in range(step)), 0)
    printed = (
        # Before the first step of its operation.
        Printed(0, op, step - 1, 1, "before\n", 0, WRITE),
        Printed(0, op, step, 2, "\x1b[31mred\n"),
    )
    text = told(CodeTrace((LOOK, WRITE), steps, printed))
    assert below(text, "guarded_write") == [
        "at own.py:9 look",
        "out own.py:5| before",
        "err| \\x1b[31mred",
    ]


def test_lines_of_inherited_methods_are_left_out() -> None:
    text = told(CodeTrace((PROTOCOL,), (0,) * 50))
    assert not any("protocol.py" in line for line in text)


def test_a_passage_tells_begin_and_end_of_its_prints() -> None:
    op, step = last_op()
    printed = Printed(0, op, step, 1, "".join(f"line {number}\n" for number in range(100)))
    code = CodeTrace((), (), (printed,))
    short = below(told(code), "guarded_write")
    assert (short[0], short[-1], len(short)) == ("out| line 0", "out| line 99", 13)
    assert "88 more lines" in short[6]
    assert len(below(told(code, whole=True), "guarded_write")) == 100


def test_a_crash_has_its_traceback_and_a_refusal_its_line() -> None:
    raised = Raised(0, 1, 'Traceback:\n  File "own.py"\nKeyError: 1', WRITE)
    assert code_lines(PassageCode(raised=raised), crashed=True)[-1] == "KeyError: 1"
    assert code_lines(PassageCode(raised=raised), crashed=False) == [
        "raised at own.py:5 guarded_write: append_lines(self.path, entries)"
    ]


def test_a_lane_that_does_not_end_says_where_it_stands() -> None:
    python = Place("/usr/lib/python3.11/threading.py", 324, "wait", inherited=True)
    (line,) = code_lines(PassageCode(stack=Stack(0, (python, LOOK, WRITE))), crashed=False)
    assert line.startswith("stands at own.py:9 look: return read_all(self.path) (innermost first: /usr/lib")
