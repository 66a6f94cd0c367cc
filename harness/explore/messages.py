"""Messages between the harness and its explorer processes.

Nothing is unpickled. The harness names the class of the work that it gives, and an explorer imports it;
the answers of an explorer are data of the types that the work declares, and decoded as these and no others.
The modules of scenarios are imported with the first one, so that an explorer can be started before.
"""

from __future__ import annotations

import functools
import importlib
import typing
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.model import errors
from harness.model.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.scenario.definition import Scenario

__all__ = [
    "BYTES_MAX",
    "DONE",
    "STOP",
    "Bug",
    "Failed",
    "decode_finding",
    "decode_work",
    "encode_failure",
    "encode_finding",
    "encode_work",
    "error_of",
    "failed",
    "receive",
    "send",
]

#: A finding is a few MiB at most; a larger one does not come from an explorer that works as it should.
BYTES_MAX: Final = 256 << 20

#: Ask an explorer to end its work; an explorer has ended it.
STOP: Final = b"stop"
DONE: Final = b"done"
_WORK, _FOUND, _FAILED = b"w", b"f", b"x"


class Bug(HarnessError):
    """An exception that the code of an explorer does not expect; the message is its traceback."""


class Failed(msgspec.Struct, frozen=True):
    """An error that ended the work.

    Args:
        kind: name of its class.
        text: what it says.
    """

    kind: str
    text: str


class _Work(msgspec.Struct, frozen=True):
    """Work on its way.

    Args:
        module, name: its class.
        fields: by name, plain.
    """

    module: str
    name: str
    fields: dict[str, Any]


#: Errors that keep their class; any other is told as the nearest of these that it descends from.
_ERRORS: Final[dict[str, type[HarnessError]]] = {
    one.__name__: one
    for one in (
        *(getattr(errors, name) for name in errors.__all__ if name not in ("Fault", "ScenarioError")),
        Bug,
    )
}


def send(connection: Connection, message: bytes) -> None:
    """Send one message.

    Raises:
        OSError: the other end is gone.
    """
    connection.send_bytes(message)


def receive(connection: Connection) -> bytes:
    """Wait for one message.

    Raises:
        OSError: the other end is gone, or the message is larger than `BYTES_MAX`.
    """
    try:
        return connection.recv_bytes(BYTES_MAX)
    except EOFError as error:
        raise OSError("the other end is closed") from error


# Work


def encode_work(work: Any) -> bytes:
    """Return work as a message.

    Args:
        work: a `msgspec.Struct` of numbers, strings and structs, and of scenarios.

    Raises:
        UsageError: a number in it has more than 64 bits.
    """
    from harness.scenario.definition import Scenario

    fields = {
        name: _packed(value) if isinstance(value, Scenario) else value
        for name, value in msgspec.structs.asdict(work).items()
    }
    cls = type(work)
    try:
        return _WORK + msgspec.msgpack.encode(
            _Work(cls.__module__, cls.__qualname__, fields), enc_hook=_encode
        )
    except OverflowError as error:
        raise UsageError("a number is larger than 64 bits can hold; give a smaller seed or index") from error


#: The last scenarios that were packed: slices of one search follow each other by the thousand.
_last_packed: Final[dict[int, tuple[Scenario, msgspec.Raw]]] = {}
_PACKED_MAX: Final = 8


def _packed(scenario: Scenario) -> msgspec.Raw:
    """Return a scenario as plain data, encoded."""
    known = _last_packed.get(id(scenario))
    if known is not None and known[0] is scenario:
        return known[1]
    if len(_last_packed) >= _PACKED_MAX:
        _last_packed.clear()
    from harness.scenario.transport import pack

    raw = msgspec.Raw(msgspec.msgpack.encode(pack(scenario)))
    _last_packed[id(scenario)] = scenario, raw
    return raw


def decode_work(message: bytes) -> Any:
    """Return the work of a message of the harness; None when it only says that earlier work is to end."""
    if message == STOP:
        return None
    assert message[:1] == _WORK, message[:1]
    work = msgspec.msgpack.decode(message[1:], type=_Work)
    cls = getattr(importlib.import_module(work.module), work.name)
    types = _field_types(cls)
    return cls(**{name: _field(value, types[name]) for name, value in work.fields.items()})


def _field(value: Any, wanted: Any) -> object:
    from harness.scenario.definition import Scenario
    from harness.scenario.transport import unpack

    if wanted is Scenario:
        if value["extensions"]:
            from harness.extensions import load_extensions

            # The command that sends it has the user's leave to run them.
            load_extensions(value["extensions"])
        return unpack(value)
    return msgspec.convert(value, wanted, dec_hook=_decode)


@functools.cache
def _field_types(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _encode(value: object) -> object:
    if isinstance(value, range):
        return [value.start, value.stop, value.step]
    raise NotImplementedError(type(value))


def _decode(wanted: type, value: Any) -> object:
    if wanted is range:
        return range(*value)
    raise NotImplementedError(wanted)


# Findings


def encode_finding(finding: object) -> bytes:
    """Return a finding as a message."""
    message = _FOUND + msgspec.msgpack.encode(finding)
    if len(message) > BYTES_MAX:
        return encode_failure(
            UsageError(
                f"one schedule left {len(message) >> 20} MiB to report, at most {BYTES_MAX >> 20} can be; "
                "take a smaller transcript or fewer operations"
            )
        )
    return message


def encode_failure(error: HarnessError) -> bytes:
    """Return an error that ended the work as a message."""
    return _FAILED + msgspec.msgpack.encode(failed(error))


def failed(error: HarnessError) -> Failed:
    """Return an error as data."""
    kind = next(one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS)
    return Failed(kind, str(error))


def error_of(told: Failed) -> HarnessError:
    """Return the error that data tells of."""
    return _ERRORS.get(told.kind, HarnessError)(told.text)


def decode_finding(message: bytes, finds: Any) -> object:
    """Return what an explorer has found.

    Args:
        message: of the explorer.
        finds: type of the findings, as the work declares it.

    Returns:
        A finding, or `DONE`.

    Raises:
        HarnessError: what ended the work; `Bug` where the message is none.
    """
    if message == DONE:
        return DONE
    try:
        if message[:1] == _FOUND:
            return _decoder(finds).decode(message[1:])
        if message[:1] == _FAILED:
            error = error_of(msgspec.msgpack.decode(message[1:], type=Failed))
        else:
            error = Bug(f"an explorer process sent a message of no known kind: {message[:20]!r}")
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        error = Bug(f"an explorer process sent something other than a finding of its work: {wrong}")
    raise error


@functools.cache
def _decoder(finds: Any) -> Any:
    return msgspec.msgpack.Decoder(finds)
