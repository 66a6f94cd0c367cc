"""Witnesses are kept beside their scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.errors import FormatError, StoreError
from harness.model.program import Filesystem, LaneProgram, Program
from harness.model.schedule import Choice, Schedule
from harness.results import regression_corpus
from harness.results.witness import Claim, Witness


def witness(fence: str = "none", lane: int = 0) -> Witness:
    claim = Claim("missed_takeover", 1, "runner", 0, "detail")
    lanes = tuple(LaneProgram(name, "runner", name, True, ()) for name in ("one", "two"))
    program = Program(lanes, (), Filesystem(), 0)
    schedule = Schedule((Choice(lane, 0, 0),))
    return Witness(claim, {}, fence, "kernel", "random", 1, 0, program, schedule, "")


def test_the_folder_is_named_after_the_scenario(tmp_path: Path) -> None:
    assert regression_corpus.folder_of(str(tmp_path / "a.b.yaml")) == str(tmp_path / "a.b.witnesses")


def test_without_a_folder_there_are_no_witnesses(tmp_path: Path) -> None:
    assert regression_corpus.known(str(tmp_path / "a.yaml")) == []


def test_kept_witnesses_come_in_the_order_of_names(tmp_path: Path) -> None:
    scenario = str(tmp_path / "a.yaml")
    paths = [regression_corpus.keep(scenario, one) for one in (witness("b"), witness("a"), witness("a", 1))]
    known = regression_corpus.known(scenario)
    assert [path for path, _ in known] == sorted(paths)
    assert {one.fence for _, one in known} == {"a", "b"}


def test_the_same_witness_is_kept_once(tmp_path: Path) -> None:
    scenario = str(tmp_path / "a.yaml")
    assert regression_corpus.keep(scenario, witness()) == regression_corpus.keep(scenario, witness())
    assert len(regression_corpus.known(scenario)) == 1


def test_a_fence_path_makes_a_name_without_slashes(tmp_path: Path) -> None:
    path = regression_corpus.keep(str(tmp_path / "a.yaml"), witness("some/where.py:Fence"))
    assert Path(path).parent == tmp_path / "a.witnesses"
    assert "some_where.py_Fence" in Path(path).name


def test_a_damaged_witness_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.witnesses").mkdir()
    damaged = tmp_path / "a.witnesses" / "x.json"
    damaged.write_text("{")
    with pytest.raises(FormatError, match=r"x\.json"):
        regression_corpus.known(str(tmp_path / "a.yaml"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.witnesses").write_text("in the way")
    with pytest.raises(StoreError, match=r"a\.witnesses"):
        regression_corpus.keep(str(tmp_path / "a.yaml"), witness())
