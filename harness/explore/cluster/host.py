"""A host: the light process, on any machine, that runs slices for a Dask worker.

It is a coordinator of its own, with one explorer, and the session directories of a host go as those of a run
do: it ends when its pipe is closed, and its janitor clears up after it where it was killed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from harness import gates
from harness.explore.cluster.shipping import lay_out, present
from harness.explore.cluster.wire import (
    Hello,
    Setup,
    SliceReply,
    SliceTask,
    decode_setup,
    decode_slice,
    encode,
)
from harness.explore.code_digest import fence_digest, harness_digest, python_version
from harness.explore.coordinator import Coordinator
from harness.explore.messages import failed, receive, send
from harness.explore.search_task import Result
from harness.model.errors import HarnessError, UsageError
from harness.results.stats import Stats
from harness.scenario.fence_reference import check
from harness.system import landlock

__all__ = ["main"]

#: A host without a slice for so long ends: its run is over, or the machine that began it is gone.
_IDLE_S = 20.0


class _HostCoordinator(Coordinator):
    """A coordinator that a message calls off.

    Args:
        pipe: to the Dask worker.
        root: directory under which session directories are made; None for the best one.
    """

    def __init__(self, pipe: Connection, root: str | None) -> None:
        super().__init__(1, root)
        self._pipe = pipe
        self._called_off = False

    @property
    def interrupted(self) -> bool:
        """Whether the slice is called off, or this process is asked to end."""
        return self._called_off or super().interrupted

    @property
    def ended(self) -> bool:
        """Whether this process is asked to end."""
        return super().interrupted

    def _woken_by(self) -> Sequence[Any]:
        """Return what ends a wait, besides the explorers: a message, once."""
        return () if self._called_off else (self._pipe,)

    def _wake(self) -> None:
        """Take a message that came in the middle of a slice: all it can say is that it ends."""
        if not self._called_off and self._pipe.poll():
            self._called_off = True
            with contextlib.suppress(OSError):
                receive(self._pipe)

    def run(self, task: SliceTask) -> SliceReply:
        """Run a slice."""
        self._called_off = False
        self._on = [task.core] if task.core in os.sched_getaffinity(0) else None
        try:
            result = self.ask(task)
        except HarnessError as error:
            left = ((task.first, task.stop, task.step),)
            return SliceReply(Stats(), left, 0.0, fault=failed(error))
        return _reply(task, result)


def _reply(task: SliceTask, result: Result) -> SliceReply:
    if result.progress is None:
        return SliceReply(
            Stats(), ((task.first, task.stop, task.step),), result.wall_s, stopped=result.stopped
        )
    stats = result.progress.stats
    for kind, lowest in task.known.items():
        if kind in stats.first and stats.first[kind].schedule_index > lowest:
            del stats.first[kind]
    return SliceReply(
        stats,
        result.progress.left,
        result.wall_s,
        tuple(result.doubts),
        result.stopped,
        None if result.fault is None else failed(result.fault),
    )


def main(descriptor: int) -> None:
    """Serve a Dask worker until its pipe is closed, or no slice comes any more.

    Args:
        descriptor: of the pipe.
    """
    os.set_inheritable(descriptor, False)
    pipe = Connection(descriptor)
    try:
        setup = decode_setup(receive(pipe))
        faults = _code_faults(setup)
        if faults:
            # Nothing else of another version can be trusted to mean the same.
            send(pipe, _hello(faults))
            return
        try:
            coordinator = _HostCoordinator(pipe, setup.session_root)
            with coordinator:
                faults = _faults(setup, coordinator.root)
                send(pipe, _hello(faults))
                if not faults:
                    _serve(pipe, coordinator)
        except UsageError as error:
            send(pipe, _hello([str(error)]))
    except OSError:
        return


def _hello(faults: Sequence[str]) -> bytes:
    return encode(Hello(os.uname().nodename, tuple(sorted(os.sched_getaffinity(0))), tuple(faults)))


def _serve(pipe: Connection, coordinator: _HostCoordinator) -> None:
    while not coordinator.ended and pipe.poll(_IDLE_S):
        task = decode_slice(receive(pipe))
        if task is not None:
            send(pipe, encode(coordinator.run(task)))


def _code_faults(setup: Setup) -> list[str]:
    """Return why this harness or this Python would make other schedules."""
    if setup.code != harness_digest():
        return [
            "another version of the harness than here "
            f"(code {harness_digest()}, here {setup.code}); install the same on both"
        ]
    if setup.python != python_version():
        return [f"{python_version()}, here it is {setup.python}, whose file calls may be others"]
    return []


def _faults(setup: Setup, root: str) -> list[str]:
    """Return why this machine cannot run a slice, after the files that came along were laid out."""
    why = gates.unavailable(setup.gate)
    if why:
        return [f"the {setup.gate} gate is not available: {why}; see `python -m harness doctor` there"]
    faults = []
    if setup.confined and (missing := landlock.missing()):
        faults.append(f"--require-confinement: the kernel does not confine {', '.join(missing)}")
    if setup.files and not present(setup.files):
        if setup.in_place:
            return [
                *faults,
                f"{setup.in_place}; start its Dask worker in a copy of the working directory that has both",
            ]
        where = os.path.join(root, "sent")
        os.makedirs(where)
        lay_out(setup.files, where)
        os.chdir(where)
    for reference, digest in setup.references:
        if fence_digest(reference) != digest:
            faults.append(
                f"{reference}: the files that it names are not there, or others; files below the working "
                "directory are sent along, install the rest there"
            )
        elif reference in setup.fences:
            try:
                check(reference)
            except UsageError as error:
                faults.append(str(error))
    return faults
