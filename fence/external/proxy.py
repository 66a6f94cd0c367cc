"""Provide a fence whose code runs in another process and may be in any language.

A handle turns each call into a request to the adapter, and the adapter's answer into the call's return
value or exception. One adapter serves all lanes of a process, or one lane, as the adapter asks; it
lives over many schedules.
"""

from __future__ import annotations

import errno
import os
import shlex
import time
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from fence.errors import (
    AdapterError,
    ExternalError,
    LockTimeoutError,
    StaleLockError,
    TakeoverError,
)
from fence.external.adapter import Adapter
from fence.external.host_hooks import HostHooks
from fence.external.wire import Answer, Hello, ProtocolError, Sleep, Waits, loaded, with_lines
from fence.protocol import Fence, Site

__all__ = ["ExternalFence", "external"]

_HANDLES = "external.handles"
_STARTS_MAX = 3
#: Classes that were made, by command and directory, so that a forked worker need not start the adapter again.
_made: dict[tuple[str, str], type[ExternalFence]] = {}


def external(command: str) -> type[ExternalFence]:
    """Return the class of an external fence; start its adapter once, to ask for its properties.

    Args:
        command: program and arguments, as a shell would split them.

    Raises:
        AdapterError: it cannot be started, or does not follow the protocol.
    """
    directory = os.getcwd()
    known = _made.get((command, directory))
    if known is not None:
        return known
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise AdapterError(f"cannot be split into words: {error}") from error
    if not argv:
        raise AdapterError("no command is given")
    hello = _hello_of(argv, directory)
    facts = {
        "about": hello.name or command,
        "sound_under": hello.sound_under,
        "invariant": hello.invariant,
        "lock_path": hello.lock_path,
        "further_locks": hello.further_locks,
        "lock_kind": hello.lock,
        "waits_in_real_time": hello.real_waits,
        "one_transcript": not hello.per_lane,
        "argv": argv,
        "directory": directory,
        "hello": hello,
    }
    made: type[ExternalFence] = type("External", (ExternalFence,), facts)
    _made[command, directory] = made
    return made


def _hello_of(argv: tuple[str, ...], directory: str) -> Hello:
    """Start an adapter and ask for its properties; anew if another program kills it meanwhile."""
    for tried in range(1, _STARTS_MAX + 1):
        adapter = Adapter(argv, directory, HostHooks())
        try:
            return adapter.greet()
        except AdapterError:
            if tried == _STARTS_MAX or not adapter.was_killed:
                raise
        finally:
            adapter.end()
    raise AssertionError("the last start returns or raises")


class ExternalFence(Fence):
    """Base of the classes that `external` makes; each class belongs to one command."""

    argv: ClassVar[tuple[str, ...]]
    directory: ClassVar[str]
    hello: ClassVar[Hello]
    #: Whether all handles of a process have to be on one transcript, which their adapter is told.
    one_transcript: ClassVar[bool]
    #: Hooks of this process; a harness replaces them.
    hooks: ClassVar[HostHooks] = HostHooks()
    #: Running adapters of this process by lane; an adapter for all lanes has the empty name.
    adapters: ClassVar[dict[str, Adapter]] = {}

    def __init__(self, site: Site) -> None:
        # No lock is made, because the adapter has it.
        self.site = site
        self.path = site.transcript
        handles: dict[str, int] = site.process.setdefault(_HANDLES, {})
        self._handle = handles.get(site.lane, 0)
        handles[site.lane] = self._handle + 1
        self._lane = site.lane if self.hello.per_lane else ""
        self._takes_turns = not self.hello.per_lane and len(self.hooks.lanes) > 1

    # The process

    @classmethod
    def use_hooks(cls, hooks: HostHooks) -> None:
        """Use the given hooks in this process.

        Args:
            hooks: hooks of this process.
        """
        cls.hooks = hooks
        cls.adapters = {}

    @classmethod
    def start_service(cls, transcript: str) -> None:
        """Start the adapters before the first schedule; otherwise the first request starts them.

        Args:
            transcript: path that it will have.
        """
        for lane in cls.hooks.lanes if cls.hello.per_lane else ("",):
            cls._start(lane)

    @classmethod
    def end(cls) -> None:
        """End all adapters of this process."""
        adapters, cls.adapters = cls.adapters, {}
        for adapter in adapters.values():
            adapter.end()

    @classmethod
    def _start(cls, lane: str) -> Adapter:
        if "adapters" not in vars(cls):
            cls.adapters = {}
        hooks = cls.hooks
        adapter = cls.adapters[lane] = Adapter(cls.argv, cls.directory, hooks)
        hooks.started(adapter.pid, lane)
        hooks.asks(lane)
        adapter.greet()
        hooks.answered(lane)
        return adapter

    def _adapter(self) -> Adapter:
        """Return the running adapter; start it if necessary."""
        adapter = self.adapters.get(self._lane)
        return self._start(self._lane) if adapter is None or adapter.ended else adapter

    def _begin_schedule(self, adapter: Adapter) -> None:
        """Send begin_schedule to the adapter if the schedule is a new one."""
        if adapter.schedule is self.site.process:
            return
        lanes = (self._lane,) if self._lane else self.hooks.lanes or (self.site.lane,)
        adapter.begin_schedule(self.site.process, self.path, {"lanes": lanes, "options": self.site.options})

    # Requests

    def _ask(self, do: str, **fields: Any) -> Answer:
        """Send a request, wait until it is answered, and raise the exception that the answer stands for."""
        adapter = self._take_turn(after_another=False)
        try:
            self._begin_schedule(adapter)
            request = adapter.ask(do, {"lane": self.site.lane, "handle": self._handle, **fields})
            line = adapter.receive(request)
            while not isinstance(line, Answer):
                self._wait(adapter, request, line)
                line = adapter.receive(request)
        finally:
            self._give_turn(progress=True)
        if line.kind != "ok":
            _raise(line, do)
        return line

    def _take_turn(self, *, after_another: bool) -> Adapter:
        """Take the turn: from here on this lane's request runs."""
        if self._takes_turns:
            self.hooks.take_turn(after_another=after_another)
        adapter = self._adapter()
        self.hooks.asks(self._lane)
        return adapter

    def _give_turn(self, *, progress: bool) -> None:
        """Give the turn to another lane."""
        self.hooks.answered(self._lane)
        if self._takes_turns:
            self.hooks.give_turn(progress=progress)

    def _wait(self, adapter: Adapter, request: int, line: object) -> None:
        """Sleep or wait as the request asks, and tell the adapter when that is over."""
        if isinstance(line, Sleep):
            self._give_turn(progress=True)
            time.sleep(line.duration_ms / 1000)
            self._take_turn(after_another=False)
            adapter.send_message(request, "slept", {})
        elif isinstance(line, Waits):
            if not self._takes_turns:
                raise adapter.fault("waits for another request, but has no other lane")
            self._give_turn(progress=False)
            self._take_turn(after_another=True)
            adapter.send_message(request, "go_on", {})
        else:
            raise adapter.fault(f"can no longer attribute its calls: {getattr(line, 'why', line)}")

    # The operations of a fence

    def begin_turn(self) -> None:
        """Take the write lock for the start of the turn."""
        self._ask("begin_turn")

    def load(self) -> bytes:
        """Read the transcript under the lock."""
        answer = self._ask("load")
        try:
            return loaded(answer)
        except ProtocolError as error:
            raise self.adapters[self._lane].fault(f"load: {error}") from error

    def append(self, entries: Sequence[bytes]) -> None:
        """Append whole lines; the lock is held."""
        self._ask("append", **with_lines("entries", entries))

    def release_for_prompt(self) -> None:
        """Release the lock while the model thinks."""
        self._ask("release_for_prompt")

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Take the lock, decide, append, release the lock."""
        self._ask("guarded_write", **with_lines("entries", entries))

    def recover(self) -> bool:
        """Accept the current content after a takeover, if the adapter supports it."""
        if "recover" not in self.hello.operations:
            return False
        try:
            self._ask("recover")
        except NotImplementedError:
            return False
        return True

    def end_turn(self) -> None:
        """Clean up."""
        self._ask("end_turn")

    def acquire(self) -> None:
        """Take the write lock."""
        self._ask("acquire")

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Replace the whole transcript; the lock is held."""
        if "rewrite" not in self.hello.operations:
            raise NotImplementedError("the adapter has no rewrite")
        self._ask("rewrite", **with_lines("lines", lines), how=how)

    def release(self) -> None:
        """Release the write lock."""
        self._ask("release")


def _raise(answer: Answer, do: str) -> NoReturn:
    """Raise the exception that an answer other than ``ok`` stands for."""
    text = answer.text
    if answer.kind == "takeover":
        raise TakeoverError(text)
    if answer.kind == "lock_timeout":
        raise LockTimeoutError(text)
    if answer.kind == "stale_lock":
        raise StaleLockError(text)
    if answer.kind == "unsupported":
        raise NotImplementedError(text or f"the adapter has no {do}")
    if answer.code:
        code = getattr(errno, answer.code)
        raise OSError(code, text or os.strerror(code)) from ExternalError(text)
    raise ExternalError(text or "without a word")
