"""Effects of a debugger while everything stood are taken in when its user lets the processes go on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel import debug_gate
from harness.gates.kernel.debug_gate import DebugGate


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose call was interrupted, so that its notification is void."""

    def void(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(debug_gate, "ioctl", void)
    with subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def standing(pid: int) -> Any:
    """A worker whose one lane stands before a call."""
    pending = SimpleNamespace(tid=pid, trap_id=1, call="write", process=SimpleNamespace(pid=pid))
    pending.is_made_again = lambda trap_id: setattr(pending, "trap_id", trap_id)
    lane = SimpleNamespace(index=0, stops=lambda: (pending,))
    return SimpleNamespace(listener=-1, lanes=[lane], tracees={}, tasks={}, pid=pid)


def paused(worker: Any) -> str:
    """Let a gate stand with one worker until its user goes on, which they do at once; return what it says."""
    gate: Any = DebugGate.__new__(DebugGate)
    gate._layout = SimpleNamespace(lanes=[SimpleNamespace(name="runner")])
    gate._processes, gate._state = SimpleNamespace(workers={"gateway": worker}), SimpleNamespace()
    (keys, typed), (said, says) = os.pipe(), os.pipe()
    try:
        gate._spec = SimpleNamespace(reads=keys, writes=says)
        os.write(typed, b"\n")
        gate._pause(SimpleNamespace(lane=0, call="write", path="T"))
        return os.read(said, 1 << 16).decode()
    finally:
        for one in (keys, typed, said, says):
            os.close(one)


def test_a_call_that_was_interrupted_is_waited_for(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = standing(child.pid)
    (pending,) = worker.lanes[0].stops()

    def receive(*_: object) -> Any:
        monkeypatch.setattr(debug_gate, "ioctl", lambda *_: None)
        return SimpleNamespace(tid=child.pid, trap_id=2, call="write")

    monkeypatch.setattr(debug_gate, "receive", receive)
    assert paused(worker).startswith("paused before runner's write T; all lanes stand")
    assert pending.trap_id == 2


def test_a_process_that_its_user_has_killed_is_not_waited_for(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    child.kill()
    monkeypatch.setattr(debug_gate, "receive", lambda *_: pytest.fail("waits for a call of a dead process"))
    assert f"process gateway (lanes runner): pid {child.pid}" in paused(standing(child.pid))
