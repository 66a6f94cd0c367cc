"""A witness: one schedule that shows a violation, in a file that replays it.

The file is JSON with a version. It carries the whole scenario and program, so
that it can be replayed when the scenario file has changed or is gone.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harness.model.code_trace import CodeTrace
from harness.model.errors import FormatError
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.model.unreadable import UNREADABLE
from harness.results.witness_archive import content

__all__ = ["VERSION", "Claim", "Critical", "Needed", "Place", "Witness", "decode", "encode", "read"]

VERSION = 1

#: A witness has some 50 KB; once read, it takes up to five times the memory of the file.
_FILE_BYTES_MAX = 1 << 24
_SHOWN_BYTES = 20
_CLOCK_NS_END = 1 << 63


class Claim(msgspec.Struct, frozen=True):
    """The violation that the witness shows.

    Args:
        kind: of the violation.
        step: how many steps had been taken when it was complete.
        lane: name of the lane whose operation it is.
        op: index of the operation in its lane.
        detail: one sentence.
    """

    kind: str
    step: int
    lane: str
    op: int
    detail: str


class Place(msgspec.Struct, frozen=True):
    """One step of the witness's schedule.

    Args:
        step: number of the step in the schedule, from 0.
        lane: name of its lane.
        op: index of its operation.
        operation: kind of the operation, or the action's name.
        call: name and path.
    """

    step: int
    lane: str
    op: int
    operation: str
    call: str

    def __str__(self) -> str:
        return f"{self.lane}'s {self.call} ({self.operation})"


class Critical(msgspec.Struct, frozen=True):
    """Two steps of different lanes whose order decides between violation and pass.

    The steps between them in the schedule can be moved away without changing
    anything; then the two are neighbours, and were exchanged.

    Args:
        first, second: as they follow in the witness, which shows the violation.
        clean: whether nothing is wrong in the other order; otherwise only this
            violation is gone.
    """

    first: Place
    second: Place
    clean: bool


class Needed(msgspec.Struct, frozen=True):
    """A file of the user's that the scenario needs.

    Args:
        file: as the scenario names it.
        digest: of its bytes, as they were.
    """

    file: str
    digest: str


class Witness(msgspec.Struct, frozen=True):
    """Everything that a replay needs.

    Args:
        claim: the violation.
        scenario: as plain data, see `harness.scenario.dump`.
        fence: reference as it was given.
        gate, strategy, seed, schedule_index: where it comes from.
        program: operations of the lanes.
        schedule: the lane that was picked at each step.
        history: in text form.
        critical: of a shrunk witness: the pairs of steps whose order matters.
        shrunk_from: of a shrunk witness: steps and switches that it had before.
        code: what the code of the lanes did; None where that is not known.
        extensions: files with roles, actions and so on that the scenario names.
        drawn: where there are some, digest of the program that the scenario drew, before it was shrunk.
        version: of this format.
    """

    claim: Claim
    scenario: dict[str, Any]
    fence: str
    gate: str
    strategy: str
    seed: int
    schedule_index: int
    program: Program
    schedule: Schedule
    history: str
    critical: tuple[Critical, ...] = ()
    shrunk_from: tuple[int, int] | None = None
    code: CodeTrace | None = None
    extensions: tuple[Needed, ...] = ()
    drawn: str = ""
    version: int = VERSION


def encode(witness: Witness) -> bytes:
    """Return the content of the file."""
    return msgspec.json.format(msgspec.json.encode(witness), indent=1) + b"\n"


def read(path: str) -> Witness:
    """Return the witness that a path names.

    Args:
        path: of a file, or ``ARCHIVE.tar.xz:NAME``.

    Raises:
        FormatError: the file is missing, damaged, or of another version.
    """
    try:
        data = content(path, _FILE_BYTES_MAX)
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}; give the path of a witness that `run` wrote") from error
    return decode(data, path)


def decode(data: bytes, path: str) -> Witness:
    """Return the witness that a file's content is.

    Args:
        data: the content.
        path: where it comes from, for messages.

    Raises:
        FormatError: it is damaged, or of another version.
    """
    try:
        version = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("version")
        if version is None:
            raise FormatError(f"{path}: has no version; expected a witness that `run` wrote")
        if bytes(version) != str(VERSION).encode():
            shown = bytes(version)[:_SHOWN_BYTES].decode(errors="replace")
            raise FormatError(
                f"{path}: version {shown}, expected {VERSION}; replay it with the release that wrote it"
            )
        found = msgspec.json.decode(data, type=Witness)
    except UNREADABLE as error:
        raise FormatError(f"{path}: {error}; expected a witness that `run` wrote") from error
    what = _disagreement(found)
    if what:
        raise FormatError(f"{path}: {what}; the file was changed, expected it as `run` wrote it")
    return found


def _disagreement(witness: Witness) -> str:
    """Return how parts of a witness contradict each other; empty where they do not."""
    program, lanes = witness.program, len(witness.program.lanes)
    strange = next((choice for choice in witness.schedule.choices if not 0 <= choice.lane < lanes), None)
    if strange is not None:
        return f"the schedule names lane {strange.lane}, the program has {lanes}"
    if not 0 <= program.clock_start_ns < _CLOCK_NS_END:
        return f"clock_start_ns {program.clock_start_ns} is no time"
    return ""
