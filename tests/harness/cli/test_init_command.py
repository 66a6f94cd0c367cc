"""The folder to start from has the files of the starter, and nothing that an installation adds to them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli import init_command, main

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_files_that_pip_has_compiled_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = tmp_path / "installed"
    shutil.copytree(
        EXAMPLES / "starter", installed / "examples" / "starter", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(init_command, "shipped", lambda name: str(installed / name))
    assert main(["init", str(tmp_path / "plain")]) == 0
    plain = capsys.readouterr().out
    for folder in [path for path in installed.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "compiled.cpython-311.pyc").write_bytes(b"\0")
    assert main(["init", str(tmp_path / "later")]) == 0
    assert capsys.readouterr().out == plain.replace("plain", "later")
    assert "my_fence.py" in plain
