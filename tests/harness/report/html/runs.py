"""Write runs by hand, to build pages from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.model.history import History, LaneInfo
from harness.oracle import COUNTED, judge
from harness.report.html.page_data import Entry, Example, Finding, Run
from harness.results.coverage import Coverage
from harness.results.summary import Summary
from harness.results.witness import Critical, Place
from tests.harness.oracle.histories import CRON, EDITOR, LANES, RUNNER, Story

__all__ = ["eighty", "entry", "example", "false_positive", "finding", "long", "missed", "run", "summary"]


def missed(lanes: tuple[LaneInfo, ...] = LANES) -> History:
    """Return a history in which the fence admits a write over an editor's line."""
    play = Story(lanes=lanes)
    play.window()
    play.add(EDITOR, "x")
    play.admit("reply")
    return play.history()


def false_positive(lanes: tuple[LaneInfo, ...] = LANES, message: str = "fingerprint") -> History:
    """Return a history in which the fence refuses because of a cron job's line."""
    play = Story(lanes=lanes)
    play.window()
    with play.op(CRON, "acquire"):
        play.lock(CRON, "acquired")
    play.add(CRON, "c")
    with play.op(CRON, "release"):
        play.lock(CRON, "released")
    play.call(RUNNER, "guarded_write", "reply")
    play.look(RUNNER, "statx")
    play.done(RUNNER, "refused", message)
    return play.history()


def long() -> History:
    """Return a history with very many steps before the violation."""
    play = Story()
    play.window()
    for number in range(300):
        with play.op(CRON, "append"):
            play.look(CRON, "statx", f"tmp{number}")
    play.add(EDITOR, "x")
    play.admit("reply")
    return play.history()


def example(history: History, critical: bool = True) -> Example:
    """Return the first violation of a history, with two of its steps as the critical pair."""
    judgement = judge(history)
    violation = judgement.violations[0]
    place = Place(2, "a", 0, "append", "write T")
    pair = (Critical(place, Place(4, "b", 1, "load", "read T"), True),) if critical else ()
    return Example(history, judgement, violation, pair, "shrunk from 9 to 5 steps")


def finding(one: Example, **fields: Any) -> Finding:
    """Return the finding of an example."""
    values = {
        "kind": one.violation.kind, "schedule": 3, "count": 7, "expected": True, "information": False,
        "detail": one.violation.detail, "replay": "python -m harness replay w.json",
        "witness": "witnesses/w.json", "example": one,
    }  # fmt: skip
    return Finding(**(values | fields))


def summary(**fields: Any) -> Summary:
    """Return the summary of a pass; fields may change it."""
    worth = Coverage(100, 100, 40, True, ((1, 1), (2, 2), (4, 3), (100, 40)), 5, 0.03, {"2": 0.5}, ("time",))
    values = {
        "scenario": "s", "fence": "f", "policy": "p", "gate": "kernel", "strategy": "portfolio", "seed": 1,
        "schedules": 100, "steps": 2000, "verdicts": dict.fromkeys(COUNTED, 0) | {"true_negative": 90},
        "violations": {}, "first_violation": None, "expected": True, "exhausted": False, "inconclusive": 0,
        "wall_s": 0.5, "steps_per_s": 4000.0, "stuck": 0, "absorbed": 0, "late": 0, "inode_reused": 0,
        "started_anew": 0,
        "repeated": 2, "histories": "00", "explorers": 1, "worth": worth,
        "decision_steps": {4: 60, 9: 30}, "decision_steps_own": {4: 90},
    }  # fmt: skip
    return Summary(**(values | fields))


def entry(*found: Finding, verdicts: Mapping[str, int] | None = None, **fields: Any) -> Entry:
    """Return a scenario under a fence, with its findings."""
    counts = dict.fromkeys(COUNTED, 0) | {"true_negative": 90}
    kinds = {one.kind: one.count for one in found}
    counts |= {kind: count for kind, count in kinds.items() if kind in counts}
    values = {
        "violations": kinds, "verdicts": counts | dict(verdicts or {}),
        "found_curve": ((1, 0), (4, 2), (100, 7)) if found else (),
        "unexpected": tuple(f"{one.kind} was not expected" for one in found if not one.expected),
    }  # fmt: skip
    return Entry(summary(**(values | fields)), found, 100)


def run(*entries: Entry, **fields: Any) -> Run:
    """Return a whole run."""
    values = {
        "name": "20260101T000000Z-1", "outcome": "as expected", "fault": "",
        "command": "called run s.yaml", "entries": entries, "planned": len(entries), "wall_s": 1.5,
        "program": "called",
    }  # fmt: skip
    return Run(**(values | fields))


def eighty() -> Run:
    """Return a run of 80 scenarios, 12 of which show something that is not expected; 20 were cut short."""
    entries = []
    for number in range(80):
        bad, kind = number % 7 == 2, example(missed() if number % 2 else false_positive())
        stopped = "time limit" if number >= 60 else ""
        name = f"{'queued-user-turn-as-a-takeover' if bad else 'scenario-of-some-length'}-{number}"
        found = [finding(kind, expected=not bad)] if bad or number % 9 == 0 else []
        entries.append(
            entry(*found, scenario=name, fence=f"openclaw@2026.5.16-beta.{number % 3}", stopped=stopped)
        )
    return run(*entries, outcome="not as expected")
