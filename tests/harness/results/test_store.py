"""The folder of a run: its files, their names, and its lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.model.errors import StoreError
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.results.store import RunFolder
from harness.results.witness import Claim, Witness

HISTORY = History(Header("s", "f", "kernel", "random", "p", {}, 1, 0, (), Absent), (End(Absent),))


def witness(index: int) -> Witness:
    program = Program((), (), Filesystem(), 0)
    claim = Claim("crash", 0, "", -1, "because")
    return Witness(claim, {}, "f", "kernel", "random", 1, index, program, Schedule(()), "")


def test_the_progress_stored_last_is_returned(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.plan({})
    assert folder.earlier(0) is None
    for data in (b"first", b"second"):
        folder.progress(0, data)
    folder.progress(11, b"other")
    assert (folder.earlier(0), folder.earlier(11)) == (b"second", b"other")
    assert sorted(os.listdir(tmp_path / "progress")) == ["0.msgpack", "11.msgpack"]


def test_a_new_run_removes_the_progress_of_an_earlier_one(tmp_path: Path) -> None:
    before = RunFolder(str(tmp_path))
    before.plan({})
    before.progress(3, b"data")
    before.report("page")
    before.close()
    after = RunFolder(str(tmp_path))
    with pytest.raises(StoreError, match="holds a run already"):
        after.plan({})
    assert after.earlier(3) == b"data"
    after.plan({}, force=True)
    assert after.earlier(3) is None
    assert not (tmp_path / "report.html").exists()


def test_a_resumed_run_keeps_the_progress(tmp_path: Path) -> None:
    before = RunFolder(str(tmp_path))
    before.plan({})
    before.progress(3, b"data")
    before.verdict("{}")
    before.close()
    after = RunFolder(str(tmp_path))
    after.resume()
    assert after.earlier(3) == b"data"
    after.verdict('{"again": 1}')
    assert (tmp_path / "verdicts.jsonl").read_text() == '{"again": 1}\n'


def test_two_runs_cannot_use_one_folder(tmp_path: Path) -> None:
    first, second = RunFolder(str(tmp_path)), RunFolder(str(tmp_path))
    first.plan({})
    for begin in (second.resume, lambda: second.plan({})):
        with pytest.raises(StoreError, match="another process is at work"):
            begin()
    first.close()
    second.resume()


def test_a_better_witness_replaces_the_one_before(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    first = folder.witness("a.f.crash", witness(7), HISTORY)
    assert folder.witness("a.f.crash", witness(2), HISTORY, again=True) == first
    # Another scenario of the same name has files of its own, also when the first is only named.
    assert folder.witness("a.f.crash", witness(5), HISTORY) != first
    resumed = RunFolder(str(tmp_path / "resumed"))
    resumed.name_witness("a.f.crash")
    again = resumed.witness("a.f.crash", witness(5), HISTORY)
    assert os.path.basename(again) == "a.f.crash-2.json"
