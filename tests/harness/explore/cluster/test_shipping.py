"""Files of the user go along as far as they lie below the working directory; all else has to be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.explore.cluster.shipping import lay_out, present, shipment_of
from harness.explore.code_digest import fence_digest
from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[4] / "scenarios" / "quickstart.yaml")


def task(fence: str) -> SearchTask:
    return SearchTask(SCENARIO, fence, "kernel", "random", 1, 10)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    (folder / "kit" / "deep").mkdir(parents=True)
    (folder / "mine.py").write_text("import os, kit.deep\nfrom other import x\nraise SystemExit\n")
    (folder / "other.py").write_text("import json\n")
    (folder / "unused.py").write_text("")
    for init in ("kit/__init__.py", "kit/deep/__init__.py"):
        (folder / init).write_text("")
    monkeypatch.chdir(folder)
    return folder


def test_a_fence_file_takes_its_sibling_imports_along(here: Path) -> None:
    found = shipment_of([task("mine.py:Mine"), task("./mine.py:Other"), task("ledger")])
    assert sorted(found.files) == ["kit/__init__.py", "kit/deep/__init__.py", "mine.py", "other.py"]
    assert found.fences == ("mine.py:Mine", "./mine.py:Other")
    assert found.references == tuple((name, fence_digest(name)) for name in found.fences)
    assert not found.in_place


def test_a_fence_in_a_package_takes_the_package_along(here: Path) -> None:
    (here / "kit" / "deep" / "mine.py").write_text("from ..tools import x\n")
    found = shipment_of([task("kit/deep/mine.py:Mine")])
    assert sorted(found.files) == ["kit/__init__.py", "kit/deep/__init__.py", "kit/deep/mine.py"]


def test_a_file_that_lies_elsewhere_goes_by_its_digest(here: Path) -> None:
    (here.parent / "away.py").write_text("x = 1\n")
    found = shipment_of([task(f"{here.parent}/away.py:Mine"), task("../away.py:Mine")])
    assert found.files == {}
    assert [digest for _, digest in found.references] == [fence_digest("../away.py:Mine")] * 2


def test_files_laid_out_elsewhere_are_the_same(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shipment_of([task("mine.py:Mine")])
    assert present(found.files)
    lay_out(found.files, str(tmp_path / "there"))
    (here / "mine.py").write_text("other")
    assert not present(found.files)
    monkeypatch.chdir(tmp_path / "there")
    assert present(found.files)
    assert fence_digest("mine.py:Mine") == found.references[0][1]


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py", "a/../../out.py", "."])
def test_no_file_is_laid_out_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not below"):
        lay_out({name: b""}, str(tmp_path / "there"))


def test_packages_of_node_are_told(here: Path) -> None:
    (here / "node").mkdir()
    (here / "node" / "mine.mjs").write_text("")
    assert not shipment_of([task("exec:node node/mine.mjs")]).in_place
    (here / "node_modules").mkdir()
    found = shipment_of([task("exec:node node/mine.mjs")])
    assert list(found.files) == ["node/mine.mjs"]
    assert found.in_place == "node_modules lies beside node/mine.mjs and is not sent along"


def test_too_much_is_not_sent(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.explore.cluster.shipping._BYTES_MAX", 40)
    with pytest.raises(UsageError, match=r"mine\.py: cannot be sent along"):
        shipment_of([task("mine.py:Mine")])
