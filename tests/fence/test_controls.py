"""Test the attributes of all controls, and that those of PR #84046 differ from it in one situation each."""

from __future__ import annotations

import dataclasses
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fence
from fence.controls import CONTROLS
from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.protocol import Fence
from fence.statx import FileStat
from harness.model.violation_kinds import KINDS
from tests.fence.stage import Stage, admits, entry, tick

GUARDS = [name for name in CONTROLS if name.startswith("pr-84046-without-")]
VIOLATIONS = set(KINDS) - {"invariant"}
SCENARIOS = Path(__file__).parents[2] / "scenarios"
ENOUGH = 30


def _control(name: str) -> type[Control]:
    found = fence.load(name)
    assert issubclass(found, Control)
    return found


def _told(runner: Pr84046Fence, **changed: Any) -> None:
    """Let stat return other fields to the runner, as another file system would."""
    real = runner._stat
    runner._stat = lambda: dataclasses.replace(real(), **changed)  # type: ignore[method-assign]


def _while_reading(runner: Pr84046Fence, deed: Callable[[], object], before: bool) -> None:
    """Call functions right before and right after the runner's next read."""
    real = runner._read

    def read() -> bytes:
        runner._read = real  # type: ignore[method-assign]
        if before:
            deed()
        content = real()
        if not before:
            deed()
        return content

    runner._read = read  # type: ignore[method-assign]


def _begun(stage: Stage) -> Pr84046Fence:
    runner = stage.handle("runner")
    assert isinstance(runner, Pr84046Fence)
    runner.begin_turn()
    runner.load()
    return runner


def _other_word(stage: Stage) -> None:
    """Rewrite in place with equal size."""
    tick()
    with stage.path.open("r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content.replace(b"u0", b"uX"))


def dev_inode(stage: Stage) -> bool:
    runner = _begun(stage)
    _told(runner, birth_ns=None)
    runner.release_for_prompt()
    tick()
    stage.rogue_replaces(stage.path.read_bytes())
    return admits(runner)


def birth_time(stage: Stage) -> bool:
    runner = _begun(stage)
    _told(runner, ino=7)  # a reused inode number
    runner.release_for_prompt()
    tick()
    content = stage.path.read_bytes()
    stage.path.unlink()
    stage.path.write_bytes(content)
    return admits(runner)


def size(stage: Stage) -> bool:
    runner = _begun(stage)
    _told(runner, mtime_ns=0, ctime_ns=0)  # one long tick
    runner.release_for_prompt()
    stage.rogue_appends(entry("user", "rogue"))
    return admits(runner)


def snapshot_consistency(stage: Stage) -> bool:
    runner = _begun(stage)
    _while_reading(runner, lambda: _other_word(stage), before=True)
    runner.release_for_prompt()
    tick()
    return admits(runner)


def slow_path_consistency(stage: Stage) -> bool:
    runner = _begun(stage)
    runner.release_for_prompt()
    tick()
    os.utime(stage.path)  # into the slow path
    _while_reading(runner, lambda: _other_word(stage), before=False)
    return admits(runner) and admits(runner)


def prefix_hash(stage: Stage) -> bool:
    runner = _begun(stage)
    runner.release_for_prompt()
    _other_word(stage)
    return admits(runner)


def canonical_entries(stage: Stage) -> bool:
    runner = _begun(stage)
    runner.release_for_prompt()
    tick()
    stage.rogue_appends(entry("user", "rogue"))
    return admits(runner)


def snapshot_after_throw(stage: Stage) -> bool:
    runner = _begun(stage)
    runner.release_for_prompt()
    tick()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The disk is full in the middle of the line.
    resource.setrlimit(resource.RLIMIT_FSIZE, (stage.path.stat().st_size + 5, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            runner.guarded_write([entry("assistant", "reply")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert stage.path.stat().st_size == len(stage.before) + 5
    return admits(runner)


#: The difference between a control and its parent: whether the last guarded write was admitted.
TELLING: dict[str, Callable[[Stage], bool]] = {
    "pr-84046-without-dev-inode": dev_inode,
    "pr-84046-without-birth-time": birth_time,
    "pr-84046-without-size": size,
    "pr-84046-without-snapshot-consistency": snapshot_consistency,
    "pr-84046-without-slow-path-consistency": slow_path_consistency,
    "pr-84046-without-prefix-hash": prefix_hash,
    "pr-84046-without-canonical-entries": canonical_entries,
    "pr-84046-without-snapshot-after-throw": snapshot_after_throw,
}


def test_there_are_enough_controls_for_each_verdict() -> None:
    assert len(CONTROLS) >= ENOUGH
    assert set(CONTROLS) <= set(fence.FENCES)
    assert {_control(name).caught_by for name in CONTROLS} == VIOLATIONS
    assert {_control(name).rogue_actions_min for name in CONTROLS} == {0, 1, 2}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_states_its_defect_and_the_violation_it_shows(name: str) -> None:
    control = _control(name)
    assert control.defect[0].islower()
    assert not control.defect.endswith(".")
    assert control.about.startswith("control: ")
    assert control.__doc__
    assert control.caught_by in VIOLATIONS
    assert control.rogue_actions_min >= 0
    assert not control.sound_under
    assert not control.scenario or (SCENARIOS / f"{control.scenario}.yaml").is_file()


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_changes_little_of_its_original(name: str) -> None:
    control = _control(name)
    assert control.original in fence.FENCES
    assert control.original not in CONTROLS
    original = Fence if control.original == "none" else fence.load(control.original)
    assert control.__bases__[-1] in (original, Control)
    assert issubclass(control, original)


def test_no_two_controls_have_one_defect() -> None:
    defects = [(_control(name).original, _control(name).defect) for name in CONTROLS]
    assert len(set(defects)) == len(defects)
    assert len({place.partition(":")[0] for place in CONTROLS.values()}) == len(CONTROLS)


@pytest.mark.parametrize("name", GUARDS)
def test_a_control_errs_where_its_parent_is_right(name: str, tmp_path: Path) -> None:
    control = fence.load(name)
    assert issubclass(control, Control)
    wrongly_admits = control.caught_by == "missed_takeover"
    for which in ("pr-84046", name):
        (tmp_path / which).mkdir()
    assert TELLING[name](Stage(tmp_path / "pr-84046", "pr-84046")) is not wrongly_admits
    assert TELLING[name](Stage(tmp_path / name, name)) is wrongly_admits


@pytest.mark.parametrize("name", GUARDS)
def test_a_control_drops_the_one_guard_that_it_names(name: str) -> None:
    control = fence.load(name)
    assert issubclass(control, Control)
    guards = [method for method in vars(control) if method in vars(Pr84046Fence)]
    assert guards
    # Two methods check the size; every other guard is one method.
    assert len([guard for guard in guards if guard.startswith("_") and not guard.startswith("__")]) == (
        2 if name.endswith("-size") else 1
    )


@pytest.mark.parametrize("name", [name for name in GUARDS if name != "pr-84046-without-dev-inode"])
def test_no_other_control_accepts_another_file_without_birth_time(name: str, tmp_path: Path) -> None:
    assert not dev_inode(Stage(tmp_path, name))


def test_a_write_beside_an_own_append_is_not_known_content(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "pr-84046")
    runner = _begun(stage)
    runner.release_for_prompt()
    real = runner._stat
    looks: list[FileStat] = []

    def stat_after_a_rogue() -> FileStat:
        looks.append(real())
        if len(looks) == 2:
            stage.rogue_appends(entry("user", "rogue"))
            return real()
        return looks[-1]

    runner._stat = stat_after_a_rogue  # type: ignore[method-assign]
    assert admits(runner)
    assert not admits(runner)
