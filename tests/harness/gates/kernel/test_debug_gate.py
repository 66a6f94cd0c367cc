"""What a debugger did to processes while everything stood is taken in when its user lets them go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.gates.kernel import debug_gate


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
    return SimpleNamespace(listener=-1, lanes=[SimpleNamespace(stops=lambda: (pending,))], tracees={})


def test_a_call_that_was_interrupted_is_waited_for(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    state: Any = SimpleNamespace()
    worker = standing(child.pid)
    (pending,) = worker.lanes[0].stops()

    def receive(*_: object) -> Any:
        monkeypatch.setattr(debug_gate, "ioctl", lambda *_: None)
        return SimpleNamespace(tid=child.pid, trap_id=2, call="write")

    monkeypatch.setattr(debug_gate, "receive", receive)
    debug_gate._renew(state, worker)
    assert pending.trap_id == 2


def test_a_process_that_its_user_has_killed_is_not_waited_for(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    state: Any = SimpleNamespace()
    child.kill()
    monkeypatch.setattr(debug_gate, "receive", lambda *_: pytest.fail("waits for a call of a dead process"))
    debug_gate._renew(state, standing(child.pid))
