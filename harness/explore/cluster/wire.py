"""The messages between the harness and the hosts on other machines, and their form as bytes.

As between the harness and its explorers nothing is unpickled: a host sends data of the types below,
and decoded as these and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from harness.explore.messages import Bug, Failed, decode_work, encode_work, error_of
from harness.explore.search_task import SearchTask
from harness.model.errors import HarnessError
from harness.results.stats import Stats

__all__ = [
    "Hello",
    "Setup",
    "SliceReply",
    "SliceTask",
    "decode_hello",
    "decode_reply",
    "decode_setup",
    "decode_slice",
    "encode",
    "encode_slice",
    "slice_of",
]


class SliceTask(SearchTask, frozen=True, kw_only=True):
    """The schedules of a search task that one host runs at a time.

    Args:
        first, stop, step: their numbers.
        core: processor to run them on.
        known: by kind of violation, the lowest schedule that is known to show it; of higher ones no history
            is sent.
    """

    first: int
    stop: int
    step: int = 1
    core: int = -1
    known: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many schedules there are."""
        return len(range(self.first, self.stop, self.step))

    def rounds(self) -> Iterator[range]:
        """Return the schedules, in one round."""
        return iter((range(self.first, self.stop, self.step),))

    def complete(self, stats: Stats) -> bool:
        """Return whether all of them have been run."""
        return stats.schedules >= self.count


class Setup(msgspec.Struct, frozen=True):
    """The first message to a host.

    Args:
        code, python: of the harness; a host with others would make other schedules.
        gate: name of the gate that has to be there.
        confined: whether the kernel has to keep the code under test in its directory.
        fences: that are no part of the harness.
        references: those and invariants that are none either, each with the digest of its files.
        files: content of those that are sent along, by their path below the working directory.
        in_place: why those files are of no use without what lies beside them; empty where they are.
        session_root: where session directories are made; None for the best place of the machine.
    """

    code: str
    python: str
    gate: str
    confined: bool = False
    fences: tuple[str, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    files: dict[str, bytes] = {}
    in_place: str = ""
    session_root: str | None = None


class Hello(msgspec.Struct, frozen=True):
    """The first answer of a host, about itself.

    Args:
        machine: its name.
        cores: processors that it may use.
        faults: why no slice of the run may be run there; empty where it may.
    """

    machine: str
    cores: tuple[int, ...]
    faults: tuple[str, ...] = ()


class SliceReply(msgspec.Struct, frozen=True):
    """The result of a slice.

    Args:
        stats: of the schedules that were run.
        left: those that were not, each ``(start, stop, step)``.
        wall_s: how long it took.
        doubts: errors that belong to no schedule.
        stopped: why not all were run, as in a result.
        fault: the error that ended the work.
    """

    stats: Stats
    left: tuple[tuple[int, int, int], ...]
    wall_s: float
    doubts: tuple[str, ...] = ()
    stopped: str = ""
    fault: Failed | None = None

    @property
    def error(self) -> HarnessError | None:
        """The error that ended the work, as an exception."""
        return None if self.fault is None else error_of(self.fault)


def slice_of(task: SearchTask, strategy: str, numbers: range, core: int, **more: Any) -> SliceTask:
    """Return the slice of a task.

    Args:
        task: the whole task.
        strategy: of the round.
        numbers: of the schedules.
        core: processor to run them on.
        more: further fields.
    """
    # A shard has more fields, which say what it is a part of.
    fields = {name: getattr(task, name) for name in SearchTask.__struct_fields__}
    fields |= {"strategy": strategy, **more}
    return SliceTask(**fields, first=numbers.start, stop=numbers.stop, step=numbers.step, core=core)


def encode(message: Setup | Hello | SliceReply) -> bytes:
    """Return the bytes of a message that has no scenario."""
    return msgspec.msgpack.encode(message)


def encode_slice(task: SliceTask) -> bytes:
    """Return the bytes of a slice.

    Raises:
        UsageError: a number in it has more than 64 bits.
    """
    return encode_work(task)


def decode_slice(message: bytes) -> SliceTask | None:
    """Return the slice of a message; None for what only ended an earlier one."""
    found = decode_work(message)
    assert found is None or isinstance(found, SliceTask), type(found)
    return found


_setup = msgspec.msgpack.Decoder(Setup)
_hello = msgspec.msgpack.Decoder(Hello)
_reply = msgspec.msgpack.Decoder(SliceReply)


def decode_setup(message: bytes) -> Setup:
    """Return the setup of a message of the harness."""
    return _setup.decode(message)


def decode_hello(message: bytes) -> Hello:
    """Return what a host says of itself.

    Raises:
        Bug: it is nothing of the kind.
    """
    found: Hello = _decoded(_hello, message)
    return found


def decode_reply(message: bytes) -> SliceReply:
    """Return what came of a slice.

    Raises:
        Bug: it is nothing of the kind.
    """
    found: SliceReply = _decoded(_reply, message)
    return found


def _decoded(decoder: Any, message: bytes) -> Any:
    try:
        return decoder.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        raise Bug(f"a host sent something other than a message of its kind: {wrong}") from wrong
