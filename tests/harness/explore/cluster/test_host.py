"""A host serves no run that would come out differently on its machine, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.explore.cluster import host
from harness.explore.cluster.wire import Setup, decode_slice, encode_slice, slice_of
from harness.explore.code_digest import code_digest, fence_digest, python_version
from harness.explore.search_task import SearchTask
from harness.explore.shard import Shard, tasks_of
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[4] / "scenarios" / "quickstart.yaml")
SETUP = Setup(code_digest(), python_version(), "free")
FENCE = "from fence.protocol import Fence\n\n\nclass Mine(Fence):\n    pass\n"


def test_the_same_code_and_python_are_no_fault() -> None:
    assert host._code_faults(SETUP) == []


@pytest.mark.parametrize(
    ("field", "complaint"), [("code", "another version of the harness"), ("python", "here it is other")]
)
def test_other_code_or_another_python_is_a_fault(field: str, complaint: str) -> None:
    (fault,) = host._code_faults(msgspec.structs.replace(SETUP, **{field: "other"}))
    assert complaint in fault


def test_a_machine_without_the_gate_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.gates.unavailable", lambda name: f"no {name} here")
    (fault,) = host._faults(msgspec.structs.replace(SETUP, gate="kernel"), str(tmp_path))
    assert fault.startswith("the kernel gate is not available: no kernel here; see")


def test_a_fence_that_came_along_is_loaded_from_where_it_was_laid_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = {"sub/mine.py": FENCE.encode()}
    (tmp_path / "from" / "sub").mkdir(parents=True)
    (tmp_path / "from" / "sub" / "mine.py").write_text(FENCE)
    monkeypatch.chdir(tmp_path / "from")
    name = "sub/mine.py:Mine"
    setup: dict[str, Any] = {"fences": (name,), "references": ((name, fence_digest(name)),), "files": files}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert host._faults(msgspec.structs.replace(SETUP, **setup), str(tmp_path / "root")) == []
    assert Path.cwd() == tmp_path / "root" / "sent"
    assert Path("sub/mine.py").read_text() == FENCE


def test_files_that_need_their_neighbours_are_not_laid_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    setup = msgspec.structs.replace(SETUP, files={"a.mjs": b""}, in_place="node_modules lies beside a.mjs")
    (fault,) = host._faults(setup, str(tmp_path))
    assert fault.startswith("node_modules lies beside a.mjs; start its Dask worker in a copy")
    (tmp_path / "a.mjs").write_text("")
    assert host._faults(setup, str(tmp_path)) == []


def test_a_file_that_is_another_one_there_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FENCE)
    name = f"{tmp_path}/mine.py:Mine"
    setup = msgspec.structs.replace(SETUP, fences=(name,), references=((name, "0123"),))
    (fault,) = host._faults(setup, str(tmp_path))
    assert "are not there, or others" in fault


def test_a_slice_of_a_shard_arrives_as_it_was_sent() -> None:
    whole = SearchTask(SCENARIO, "ledger", "kernel", "portfolio", 7, 100, until="crash", each=True)
    (own,) = tasks_of(Shard(2, 2), [whole])
    sent = slice_of(own, "portfolio:pos=1", range(60, 80, 2), 3, known={"crash": 5}, time_limit_s=1.5)
    found = decode_slice(encode_slice(sent))
    assert found == sent
    assert (found.count, list(found.rounds()), found.strategy) == (10, [range(60, 80, 2)], "portfolio:pos=1")
