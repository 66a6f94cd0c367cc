"""Layouts of histories as rows and columns."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.history import digest
from harness.report.html.diagram_svg import diagram_svg, label_boxes, width_of
from harness.report.html.spacetime import ROWS_MAX, Diagram, Row, diagram_of
from tests.harness.oracle.histories import CRON, EDITOR, RUNNER, Story
from tests.harness.report.html.runs import example, false_positive, long, missed


def one(diagram: Diagram, **facts: object) -> int:
    """Return the only row with these values."""
    (number,) = [
        number
        for number, row in enumerate(diagram.rows)
        if all(getattr(row, name) == value for name, value in facts.items())
    ]
    return number


def test_active_lanes_are_grouped_by_process() -> None:
    play = Story()
    play.window()
    play.touch(EDITOR)
    play.add(1, "h")
    play.admit("reply")
    play.add(EDITOR, "x")
    play.admit("reply2")
    columns = diagram_of(example(play.history())).columns
    assert [(column.name, column.process) for column in columns] == [
        ("runner", "gateway"),
        ("heartbeat", "gateway"),
        ("editor", "shell"),
    ]


def test_the_window_reaches_from_its_opening_to_the_decision() -> None:
    diagram = diagram_of(example(missed()))
    assert diagram.window is not None
    assert diagram.rows[diagram.window.first].text == "window opens"
    assert diagram.rows[diagram.window.last].text == "admitted: missed takeover"
    effect = one(diagram, mark="cause")
    assert diagram.window.first < effect < diagram.window.last
    assert diagram.rows[effect][2:4] == ("write T", "32 → 60 B")


def test_an_effect_late_in_the_load_is_in_the_window() -> None:
    play = Story()
    with play.op(RUNNER, "begin_turn"):
        play.lock(RUNNER, "acquired")
    play.call(RUNNER, "load")
    play.look(RUNNER, "openat")
    play.look(RUNNER)
    read = digest(play.content or b"")
    play.add(EDITOR, "x")
    play.look(RUNNER, "close")
    play.done(RUNNER, "ok", read)
    play.rest()
    play.admit("reply")
    diagram = diagram_of(example(play.history(), critical=False))
    assert diagram.window is not None
    assert diagram.rows[diagram.window.first].text == "read T"
    assert diagram.window.first < one(diagram, mark="cause") < one(diagram, mark="window")


def test_the_lock_lasts_from_its_acquisition_to_its_release() -> None:
    diagram = diagram_of(example(false_positive()))
    cron = next(number for number, column in enumerate(diagram.columns) if column.name == "cron")
    (span,) = [lock for lock in diagram.locks if lock.column == cron]
    assert (diagram.rows[span.first].text, diagram.rows[span.last].text) == ("openat T.lock", "unlink T.lock")


def test_a_reclaimed_lock_ends_at_the_reclaim() -> None:
    play = Story()
    play.window()
    with play.op(CRON, "acquire"):
        play.lock(CRON, "acquired")
    with play.op(EDITOR, "action"):
        play.lock(EDITOR, "reclaimed", CRON)
        play.put(EDITOR, b"other\n")
    play.admit("reply")
    diagram = diagram_of(example(play.history()))
    taken = one(diagram, more="lock reclaimed from cron")
    assert taken in [lock.last for lock in diagram.locks if diagram.columns[lock.column].name == "cron"]


def test_the_critical_pair_marks_the_steps_it_names() -> None:
    shown = example(missed())
    diagram = diagram_of(shown)
    steps = [event for event in shown.history.events if hasattr(event, "call")]
    for pair, place in ((1, 2), (2, 4)):
        row = diagram.rows[one(diagram, pair=pair)]
        assert shown.history.events[row.at] is steps[place]


def test_equal_steps_are_one_row() -> None:
    play = Story()
    play.window()
    with play.op(EDITOR, "action"):
        for _ in range(5):
            play.look(EDITOR, "read")
        play.put(EDITOR, b"other\n")
    play.admit("reply")
    row = diagram_of(example(play.history(), critical=False)).rows
    assert [one.times for one in row if one.text == "read T" and one.times > 1] == [5]


def test_a_long_history_is_cut_but_keeps_the_verdict() -> None:
    diagram = diagram_of(example(long(), critical=False))
    assert ROWS_MAX < len(diagram.rows) + 1 < ROWS_MAX + 10
    one(diagram, mark="cause")
    one(diagram, mark="verdict")
    one(diagram, mark="window")
    gaps = sum(int(row.text.split()[0]) for row in diagram.rows if row.kind == "gap")
    shown = sum(1 for row in diagram.rows if row.kind != "gap")
    whole = 300 * 2  # a head and a step each
    assert gaps + shown > whole


def test_a_lane_that_waits_for_ever_has_a_note() -> None:
    play = Story()
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    play.call(CRON, "acquire")
    play.look(CRON, "openat", "T.lock")
    history = play.history(waiting=((CRON, "the lock"),))
    diagram = diagram_of(example(history))
    assert diagram.rows[-1].text == "waits for the lock"


texts = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_no_label_leaves_its_column_or_meets_another(words: list[tuple[str, str]]) -> None:
    diagram = diagram_of(example(missed()))
    rows = [
        row._replace(text=words[number % len(words)][0] or "x", more=words[number % len(words)][1])
        for number, row in enumerate(diagram.rows)
    ]
    diagram = diagram._replace(rows=tuple(rows))
    boxes = label_boxes(diagram)
    assert len(boxes) == len(rows)
    for box, below in itertools.pairwise(boxes):
        assert box.bottom <= below.top
    for box in boxes:
        assert box.right <= box.column_right <= width_of(diagram)


def test_numbers_mark_the_passages_of_the_story() -> None:
    diagram = Diagram(
        diagram_of(example(missed())).columns,
        (Row("operation", 0, "load"), Row("step", 0, "read T", at=1), Row("step", 1, "write T", at=2)),
        (),
        (),
        None,
    )
    picture = diagram_svg(diagram, "crash", [0, 2])
    assert picture.count('class="n"') == 2
    assert picture.count(">1</text>") == picture.count(">2</text>") == 1


def test_a_process_fault_has_its_own_row() -> None:
    play = Story()
    play.window()
    play.call(CRON, "append", "c")
    play.look(CRON, "stop", "", "400 ms before write T", fault="stop")
    play.put(CRON, (play.content or b"") + b"{", fault="kill", note="1 of 20 bytes")
    play.call(1, "append", "h")
    play.look(1, "kill", "", "before openat T", fault="kill")
    play.add(EDITOR, "x")
    play.admit("reply")
    rows = [row for row in diagram_of(example(play.history())).rows if row.mark == "fault"]
    assert [(row.text, row.more) for row in rows] == [
        ("stopped", "400 ms before write T"),
        ("write T", "killed after 1 of 20 bytes, 32 → 33 B"),
        ("killed", "before openat T"),
    ]
