"""A result is inferred from the files before and after a call; where that does not suffice it is open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel.call_text import CallText
from harness.gates.kernel.linux_abi import NUMBERS
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.syscall_table import CALLS

# Processes and calls are stand-ins here, which compiled functions refuse.
pytestmark = pytest.mark.requires("modules from source")


def result_of(folder: Path, name: str, *args: int, act: Callable[[], object] = lambda: None) -> str:
    """Return what is said of a call about the file ``T``, which does what `act` does."""
    process: Any = SimpleNamespace(pid=os.getpid())
    pending = PendingSyscall(1, CALLS[NUMBERS[name]], [*args, *6 * [0]], process)
    pending.is_about_name("T")
    lane: Any = SimpleNamespace(status=Status.FILE, pending=pending)
    text = CallText(str(folder), lane, "T")
    act()
    return text.finished(name, "", "").rpartition(" = ")[2]


@pytest.mark.parametrize("name", ["unlink", "rmdir", "access", "newfstatat"])
def test_a_call_about_a_file_that_is_not_there_fails(name: str, tmp_path: Path) -> None:
    assert result_of(tmp_path, name, 0, 0) == "-1 ENOENT (No such file or directory)"


def test_a_file_that_is_gone_afterwards_was_removed(tmp_path: Path) -> None:
    (tmp_path / "T").touch()
    assert result_of(tmp_path, "unlink", act=(tmp_path / "T").unlink) == "0"


@pytest.mark.parametrize("name", ["unlink", "rmdir", "rename"])
def test_a_call_about_a_name_that_is_still_there_may_have_failed(name: str, tmp_path: Path) -> None:
    (tmp_path / "T").mkdir()
    assert result_of(tmp_path, name) == "?"


def test_whether_a_file_that_is_there_may_be_read_is_not_inferred(tmp_path: Path) -> None:
    (tmp_path / "T").touch()
    assert result_of(tmp_path, "access", 0, os.F_OK) == "0"
    assert result_of(tmp_path, "access", 0, os.X_OK) == "?"
    assert result_of(tmp_path, "faccessat2", 0, 0, os.F_OK) == "0"
    assert result_of(tmp_path, "faccessat2", 0, 0, os.W_OK) == "?"
