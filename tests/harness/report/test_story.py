"""Stories of violations: lines, remarks, and cuts."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.history import End, History, Invoke, Return, Step
from harness.oracle import Judgement, Violation, judge
from harness.report.story import headline, story
from harness.results.witness import Critical, Place
from tests.harness.oracle.histories import CRON, EDITOR, RUNNER, Story, lines


def story_of(play: Story, kind: str) -> list[str]:
    """Return the story of the first violation of a kind."""
    history = play.history()
    judgement = judge(history)
    violation = next(v for v in judgement.violations if v.kind == kind)
    return story(history, judgement, violation)


def missed() -> Story:
    play = Story()
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    return play


def one(text: list[str], *parts: str) -> str:
    """Return the only line that has all the parts."""
    (line,) = [line for line in text if all(part in line for part in parts)]
    return line


def test_a_missed_takeover_shows_window_effect_and_decision() -> None:
    text = story_of(missed(), "missed_takeover")
    places = [
        text.index(one(text, "runner", "load", "the window opens")),
        text.index(one(text, "editor", "bytes]", "<== the effect")),
        text.index(one(text, "runner", "guarded_write", "<== MISSED TAKEOVER")),
    ]
    assert places == sorted(places)


def test_a_false_positive_shows_the_suspected_steps() -> None:
    play = Story()
    play.window()
    play.add(CRON, "c")
    play.refuse("reply")
    text = story_of(play, "false_positive")
    assert one(text, "cron", "<== taken for a takeover")
    line = one(text, "guarded_write user", "-> REFUSED (fingerprint)", "<== FALSE POSITIVE")
    assert line.split()[1] == "runner"


def test_each_line_begins_with_its_event_and_its_lane() -> None:
    play = missed()
    history = play.history()
    for line in story_of(play, "missed_takeover"):
        number, name = line.split()[:2]
        event = history.events[int(number)]
        assert not isinstance(event, End)
        assert history.header.lanes[event.lane].name == name


def test_steps_of_one_operation_are_one_line() -> None:
    line = one(story_of(missed(), "missed_takeover"), "load")
    assert "(openat T, read T)" in line


def test_many_calls_are_shortened() -> None:
    play = Story()
    play.window()
    with play.op(EDITOR, "action"):
        for call in ("openat", "read", "read", "read", "lseek", "fsync", "fsync", "close"):
            play.look(EDITOR, call)
        play.put(EDITOR, b"other\n", call="pwrite64")
    play.admit("reply")
    assert "(openat T, read T x3, ..., pwrite64 T)" in one(story_of(play, "missed_takeover"), "editor")


def test_steps_on_the_write_lock_are_remarked() -> None:
    play = missed()
    line = one(story_of(play, "missed_takeover"), "guarded_write")
    assert line.index("[takes the lock]") < line.index("[lock released]")
    play = Story()
    play.window()
    with play.op(CRON, "acquire"):
        play.lock(CRON, "acquired")
    with play.op(EDITOR, "action"):
        play.lock(EDITOR, "reclaimed", CRON)
        play.put(EDITOR, b"other\n")
    play.admit("reply")
    assert "[lock reclaimed from cron]" in one(story_of(play, "missed_takeover"), "editor")


@pytest.mark.parametrize(
    ("content", "file", "words"),
    [
        (None, None, "[the file is gone]"),
        (lines("first", "x"), None, "bytes]"),
        (b"x" * len(lines("first")), None, f"[other bytes, same size {len(lines('first'))}]"),
        (b"x", "f9", f"[{len(lines('first'))} -> 1 bytes, f0 -> f9]"),
    ],
)
def test_a_change_is_described(content: bytes | None, file: str | None, words: str) -> None:
    play = Story()
    play.window()
    play.write(EDITOR, content, file)
    play.admit()
    assert words in one(story_of(play, "missed_takeover"), "editor")


def test_a_new_file_is_described() -> None:
    play = Story(initial=None)
    play.window()
    play.write(EDITOR, b"made\n")
    play.admit()
    assert "[a file appears, 5 bytes]" in one(story_of(play, "missed_takeover"), "editor")


def test_thinking_is_left_out() -> None:
    play = Story()
    play.window()
    with play.op(RUNNER, "think"):
        play.look(RUNNER, "think", "")
    play.add(EDITOR, "x")
    play.admit("reply")
    assert not any("think" in line for line in story_of(play, "missed_takeover"))


def long_history(operations: int) -> tuple[History, Judgement, Violation]:
    play = Story()
    play.window()
    for number in range(operations):
        play.write(CRON if number % 2 else EDITOR, f"{number}\n".encode())
    at = play.admit()
    history = play.history()
    violation = Violation("missed_takeover", at, RUNNER, 3, "detail", (), -1)
    return history, Judgement(), violation


@pytest.mark.parametrize("operations", [55, 56, 57, 58, 300])
def test_a_long_story_is_cut_to_sixty_lines(operations: int) -> None:
    history, judgement, violation = long_history(operations)
    whole = operations + 4
    text = story(history, judgement, violation)
    assert len(text) == min(whole, 60)
    assert "begin_turn" in text[0]
    assert "MISSED TAKEOVER" in text[-1]
    if whole > 60:
        (cut,) = [line for line in text if "more ..." in line]
        assert int(cut.split()[1]) == whole - 59


def test_messages_of_fences_are_one_short_line() -> None:
    play = Story()
    play.window()
    play.call(RUNNER, "guarded_write")
    play.done(RUNNER, "crash", "ValueError: \x1b[31mred\nand a second line" + "x" * 5000)
    history = play.history()
    judgement = judge(history)
    (violation,) = judgement.violations
    text = [headline(history, violation), *story(history, judgement, violation)]
    assert all(line.isprintable() and len(line) < 1000 for line in text)
    assert "red" in one(text[1:], "CRASH")


def test_the_headline_is_the_kind_and_a_sentence() -> None:
    history = missed().history()
    (violation,) = judge(history).violations
    line = headline(history, violation)
    assert line.startswith("missed takeover: ")
    assert violation.detail in line


def test_an_empty_history_is_an_empty_story() -> None:
    play = Story()
    history = play.history()
    assert story(history, Judgement(), Violation("crash", 0, 0, 0, "")) == []
    assert not any(isinstance(event, (Invoke, Step, Return)) for event in history.events)


def test_injected_faults_are_remarked() -> None:
    play = Story()
    play.window()
    with play.op(CRON, "append", "c", outcome="failed", detail="OSError: full"):
        play.put(CRON, lines("first") + b'{"id', fault="short", note="4 of 9 bytes")
        play.look(CRON, "write", fault="ENOSPC")
    play.admit("reply")
    line = one(story_of(play, "lost_entry"), "cron", "-> FAILED (OSError: full)")
    assert "[write cut short, 4 of 9 bytes]" in line
    assert "[write made to fail with ENOSPC]" in line


@pytest.mark.parametrize(
    ("fault", "call", "note", "words"),
    [
        ("kill", "kill", "before write T", "[process cron killed before write T]"),
        ("kill", "write", "5 of 20 bytes", "[process cron killed in the middle of its write, 5 of 20 bytes]"),
        ("stop", "stop", "400 ms before write T", "[process cron stopped for 400 ms before write T]"),
        ("slow", "slow", "70 ms before write T", "[slow disk: 70 ms before write T]"),
        ("ahead", "ahead", "5000 ms before write T", "[time runs ahead by 5000 ms before write T]"),
    ],
)
def test_process_faults_are_remarked_at_their_step(fault: str, call: str, note: str, words: str) -> None:
    play = Story()
    play.window()
    play.call(CRON, "append", "c")
    play.look(CRON, "openat")
    play.look(CRON, call, "T" if call == "write" else "", note, fault=fault)
    play.add(EDITOR, "x")
    play.admit("reply")
    line = one(story_of(play, "missed_takeover"), "cron", words)
    assert ("(openat T, write T)" if call == "write" else "(openat T)") in line


def test_a_process_fault_of_a_thinking_lane_is_remarked() -> None:
    play = Story()
    play.window()
    play.call(CRON, "think")
    play.look(CRON, "think", "")
    play.look(CRON, "ahead", "", "5000 ms before it thinks", fault="ahead")
    play.add(EDITOR, "x")
    play.admit("reply")
    assert one(story_of(play, "missed_takeover"), "cron", "[time runs ahead by 5000 ms before it thinks]")


def test_names_of_any_length_leave_a_story_that_can_be_read() -> None:
    play = missed()
    history = play.history()
    violation = judge(history).violations[0]
    long = "n" * 100_000
    header = msgspec.structs.replace(
        history.header,
        lanes=tuple(
            msgspec.structs.replace(lane, name=long, process=long, clock=long, pid_namespace=long)
            for lane in history.header.lanes
        ),
        file_clock=long,
    )
    events = tuple(
        msgspec.structs.replace(event, call=long, path=long, note=long, fault="stop")
        if isinstance(event, Step)
        else msgspec.structs.replace(event, kind=long, entries=(("x", long),) * 3)
        if isinstance(event, Invoke)
        else event
        for event in history.events
    )
    place = Place(1, long, 0, long, long)
    changed = History(header, events, history.blobs)
    text = story(changed, Judgement((), ()), violation, (Critical(place, place, clean=True),))
    assert len(text) > 8 and max(map(len, text)) < 4000
    assert any("nnn..." in line for line in text)
