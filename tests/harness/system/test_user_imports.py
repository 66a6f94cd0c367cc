"""Imports in a user's modules lead to the user's modules; nothing of that is seen elsewhere."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fence
from harness.system import user_imports
from harness.system.user_module import ModuleLoadError, import_user_module


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be as before, after any import."""
    monkeypatch.setattr(builtins, "__import__", builtins.__import__)
    monkeypatch.setattr(importlib, "import_module", importlib.import_module)
    monkeypatch.setattr(user_imports, "_folders", {})
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]
    user_imports._looked_up.cache_clear()
    user_imports._is_users.cache_clear()


def put(folder: Path, **texts: str) -> Path:
    """Write modules: ``a_in_b`` is ``b/a.py``, and ``init_in_b`` makes a package of ``b``."""
    for name, text in texts.items():
        path = folder / f"{'/'.join(name.split('_in_')[::-1]).replace('init', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def started_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be one that was started in a folder, which comes last on its path."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    sys.path[:] = [*sys.path[1:], sys.path[0]]
    monkeypatch.setattr(user_imports, "_here", str(folder))


def test_each_file_imports_the_files_beside_it(tmp_path: Path) -> None:
    for name in ("before", "after"):
        put(tmp_path / name, helper=f"WHICH = {name!r}", mine="import helper\nfrom helper import WHICH")
    found = [import_user_module(str(tmp_path / name / "mine.py")) for name in ("before", "after")]
    assert [one.WHICH for one in found] == ["before", "after"]
    assert [one.helper.WHICH for one in found] == ["before", "after"]
    assert "helper" not in sys.modules


def test_a_file_is_imported_once_also_by_the_file_beside_it(tmp_path: Path) -> None:
    put(tmp_path, mine="VALUES = []", other="import mine\nfrom mine import VALUES")
    mine = import_user_module(str(tmp_path / "mine.py"))
    other = import_user_module(str(tmp_path / "other.py"))
    assert other.VALUES is mine.VALUES
    assert other.mine is mine


def test_a_file_in_a_package_has_relative_imports(tmp_path: Path) -> None:
    put(
        tmp_path,
        init_in_own="from own.deep.mine import NAME",
        init_in_deep_in_own="",
        mine_in_deep_in_own="from ..other import NAME\nimport own.other as absolute",
        other_in_own="NAME = __name__",
    )
    mine = import_user_module(str(tmp_path / "own" / "deep" / "mine.py"))
    assert mine.NAME.endswith(".own.other")
    assert mine.absolute.NAME is mine.NAME


@pytest.mark.parametrize("name", ["fence", "two.dots", "with-dash"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("from fence.protocol import Fence\nimport helper")
    put(tmp_path, helper="")
    module = import_user_module(str(tmp_path / f"{name}.py"))
    assert module.Fence is sys.modules["fence.protocol"].Fence


def test_a_package_of_our_name_is_the_users_for_the_user(tmp_path: Path) -> None:
    put(
        tmp_path,
        init_in_fence="WHOSE = 'theirs'",
        errors_in_fence="class Own(Exception): pass",
        util_in_harness="""
from fence.errors import Own
def late():
    import fence.errors
    return fence.errors.Own
""",
        mine="""
import importlib
import fence
import fence.errors as errors
from fence import errors as same
from fence.protocol import Fence, TakeoverError
from harness.util import Own, late
by_name = importlib.import_module('fence.errors')
def later():
    import fence.transcript
    return fence.transcript
""",
    )
    mine = import_user_module(str(tmp_path / "mine.py"))
    assert mine.fence.WHOSE == "theirs"
    assert mine.errors is mine.same is mine.by_name
    assert mine.Own is mine.errors.Own is mine.late()
    assert mine.Fence is importlib.import_module("fence.protocol").Fence
    assert mine.later().read_all  # ours, which theirs does not have
    assert sys.modules["fence"] is fence
    assert importlib.import_module("fence.errors").TakeoverError is mine.TakeoverError


def test_a_folder_without_modules_hides_no_package(tmp_path: Path) -> None:
    put(tmp_path, mine="import yaml\nfrom fence.protocol import Fence\nimport data.of_mine")
    for name in ("yaml", "fence", "data"):
        (tmp_path / name).mkdir()
    put(tmp_path, of_mine_in_data="")
    mine = import_user_module(str(tmp_path / "mine.py"))
    assert mine.yaml.safe_load("a: 1") == {"a": 1}


def test_a_module_of_the_working_directory_comes_before_an_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        tmp_path,
        yaml="WHOSE = 'theirs'",
        own="import yaml\nfrom fence.of_mine import WHOSE",
        of_mine_in_fence="WHOSE = 1",
    )
    started_in(tmp_path, monkeypatch)
    own = import_user_module("own")
    assert own.__name__ == "own"
    assert own.WHOSE == 1
    assert import_user_module("fence.of_mine").WHOSE == 1
    assert import_user_module("yaml").WHOSE == "theirs"
    assert import_user_module("fence.none").NoFence
    assert hasattr(importlib.import_module("yaml"), "safe_load")


def test_a_missing_module_is_told_by_the_name_users_know(tmp_path: Path) -> None:
    put(tmp_path, mine="import helper.missing", helper="")
    with pytest.raises(ModuleLoadError, match=r"No module named 'helper\.missing'"):
        import_user_module(str(tmp_path / "mine.py"))
