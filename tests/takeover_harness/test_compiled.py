"""Compiled modules are loaded where they are made of the sources that are there, and nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tools.compiling import MODULES, sources_of
from takeover_harness.compiled import FOLDER, LIBRARY, ROOT, SUFFIX, WANTED, Finder, Manifest, digest

MODULE = "pack.part"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a package and compiled modules that are none."""
    monkeypatch.delenv(WANTED, raising=False)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "part.py").write_text("ONE = 1\n")
    made = tmp_path / "made"
    made.mkdir()
    Manifest([MODULE], {"pack/part.py": digest(str(tmp_path / "pack" / "part.py"))}).write(str(made))
    return tmp_path


def finder(root: Path) -> Finder:
    return Finder(str(root / "made"), str(root), Manifest.read(str(root / "made")))


def found(root: Path, name: str = MODULE, path: str = "pack") -> str | None:
    spec = finder(root).find_spec(name, [str(root / path)])
    return spec.origin if spec is not None else None


def test_a_compiled_module_is_found_for_its_source(root: Path) -> None:
    assert found(root) == str(root / "made" / (MODULE + SUFFIX))


def test_a_changed_source_makes_all_of_them_stale(root: Path) -> None:
    (root / "pack" / "part.py").write_text("ONE = 2\n")
    assert found(root) is None
    assert finder(root).why_not() == "they were made of another pack/part.py"


def test_a_source_that_is_gone_makes_them_stale(root: Path) -> None:
    (root / "pack" / "part.py").unlink()
    assert finder(root).why_not() == "they were made of another pack/part.py"


def test_another_python_does_not_load_them(root: Path) -> None:
    Manifest([MODULE], {}, "3.11.0 (another build)").write(str(root / "made"))
    assert found(root) is None
    assert finder(root).why_not() == "they were made for another Python"


def test_a_users_package_of_the_same_name_keeps_its_modules(root: Path) -> None:
    assert found(root, path="elsewhere/pack") is None
    assert found(root, name="pack.other") is None


def test_the_library_is_found_by_its_name_alone(root: Path) -> None:
    spec = finder(root).find_spec(LIBRARY)
    assert spec is not None
    assert spec.origin == str(root / "made" / (LIBRARY + SUFFIX))


def test_a_stale_one_ends_the_process_where_it_must_be_used(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "pack" / "part.py").write_text("")
    monkeypatch.setenv(WANTED, "must")
    with pytest.raises(SystemExit, match=r"made of another pack/part\.py"):
        found(root)


def test_a_run_can_leave_compiled_modules_alone() -> None:
    code = "import harness.gates.kernel.steps as steps; print(steps.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, WANTED: "no"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("steps.py")


def test_sources_of_modules_include_the_files_that_these_import() -> None:
    sources = sources_of(MODULES)
    assert all(Path(ROOT, file).is_file() for file in sources)
    assert {"harness/gates/kernel/steps.py", "harness/gates/kernel/linux_abi.py"} < set(sources)


def test_the_modules_that_are_there_are_those_that_are_wanted() -> None:
    if os.path.isdir(FOLDER):
        assert Manifest.read(FOLDER).modules == MODULES
    assert all(Path(ROOT, *module.split(".")).with_suffix(".py").is_file() for module in MODULES)


@pytest.mark.long
@pytest.mark.requires("gcc")
def test_a_compiled_module_runs_until_its_source_changes(tmp_path: Path) -> None:
    for name in ("harness", "fence", "takeover_harness"):
        shutil.copytree(
            Path(ROOT, name), tmp_path / name, ignore=shutil.ignore_patterns("compiled", "__pycache__")
        )
    module = "harness.strategies.racing_pairs"

    def python(*arguments: str, wanted: str = "") -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, WANTED: wanted},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    python("-m", "harness.tools.compiling", module)
    look = ("-c", f"import {module} as it; print(it.__file__); print(it.names_of('a > b'))")
    file, names = python(*look, wanted="must").splitlines()
    assert file.endswith(SUFFIX)
    assert names == "('a', 'b')"
    with (tmp_path / "harness" / "strategies" / "racing_pairs.py").open("a") as source:
        source.write("# changed\n")
    assert python(*look).splitlines()[0].endswith("racing_pairs.py")
    said = python("-m", "harness", "--version")
    assert "not compiled (they were made of another harness/strategies/racing_pairs.py)" in said
