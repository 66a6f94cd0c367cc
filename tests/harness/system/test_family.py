"""Processes are found by their parent, measured, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from harness.system import family
from harness.system.reap import kill_tree


@contextlib.contextmanager
def parent_and_child() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Yield a shell, and the id of a process that it has started."""
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout is not None
        child = int(shell.stdout.readline())
        try:
            yield shell, child
        finally:
            for pid in (child, shell.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def test_descendants_are_found_parents_first() -> None:
    with parent_and_child() as (shell, child):
        assert family.children(shell.pid) == [child]
        found = family.descendants(os.getpid())
        assert found.index(shell.pid) < found.index(child)


def test_without_the_kernels_list_processes_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    with parent_and_child() as (shell, child):
        monkeypatch.setattr("harness.system.family.os.path.exists", lambda _: False)
        assert family._searched(shell.pid) == [child]
        assert family.children(child) == []


def test_usage_counts_what_a_process_has() -> None:
    with parent_and_child() as (shell, _):
        used = family.usage(shell.pid)
        assert used is not None
        assert used["children"] == 1
        assert used["threads"] == 1
        assert used["descriptors"] == len(os.listdir(f"/proc/{shell.pid}/fd"))
        assert used["rss_bytes"] > 0


def test_a_process_that_is_gone_has_nothing() -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    assert family.usage(gone.pid) is None
    assert family.children(gone.pid) == []
    family.kill([gone.pid], 5.0)


def test_a_tree_is_killed_and_its_root_left_to_be_reaped() -> None:
    with parent_and_child() as (shell, child):
        kill_tree(shell.pid)
        assert shell.wait(10) == -signal.SIGKILL
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_children_that_are_killed_are_reaped() -> None:
    child = os.fork()
    if not child:
        while True:
            signal.pause()
    family.kill([child], 10.0)
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
