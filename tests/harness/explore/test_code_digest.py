"""Digests tell code apart, and a user's code is never run for one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.explore.code_digest import code_digest, fence_digest

# An import fails the test.
TRAP = "raise SystemExit('imported')\n"


def test_the_code_has_a_digest_and_shipped_fences_need_none() -> None:
    assert code_digest() == code_digest() != ""
    assert fence_digest("ledger") == ""


def test_the_digest_of_a_fence_file_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TRAP)
    before = fence_digest(f"{path}:Mine")
    assert before == fence_digest(f"{path}:Other") != ""
    path.write_text(TRAP + "#\n")
    assert fence_digest(f"{path}:Mine") not in ("", before)
    path.unlink()
    assert fence_digest(f"{path}:Mine") == ""


def test_a_module_is_digested_without_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text(TRAP)
    (tmp_path / "pack" / "mine.py").write_text(TRAP + "# mine\n")
    module, package = fence_digest("pack.mine:Mine"), fence_digest("pack:Mine")
    assert "" not in (module, package)
    assert module != package
    assert fence_digest("no.such:Mine") == ""


def test_the_digest_of_a_command_covers_the_files_it_names(tmp_path: Path) -> None:
    adapter = tmp_path / "my adapter.mjs"
    adapter.write_text("1")
    reference = f"exec:node {shlex.quote(str(adapter))} --fast"
    before = fence_digest(reference)
    adapter.write_text("2")
    assert fence_digest(reference) not in ("", before)
    assert fence_digest("exec:node 'unclosed") == ""
