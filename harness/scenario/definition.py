"""Define a scenario as the rest of the harness uses it: checked and frozen.

`harness.scenario.loader` makes one from a file. Nothing here imports the loader's dependencies, so that
explorers start fast.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, cast, get_args

from annotated_types import Ge, Le, MaxLen, MinLen, doc

from harness.model.policy import CustomPolicy, Policy, resolve
from harness.model.violation_kinds import KINDS, Kind
from harness.scenario.faults import PROCESS_FAULTS, CallName, ErrorName, FileName, ProcessFault
from harness.scenario.filesystems import FilesystemSettings
from harness.scenario.roles.participant import LockedSettings
from harness.scenario.roles.role import ByteRange, CountRange, LaneSettings, LineRange, MsRange, Name

__all__ = [
    "EXTENSIONS_MAX",
    "FAULTS_MAX",
    "FAULT_KEYS",
    "KINDS",
    "LANES_MAX",
    "OPS_MAX",
    "OP_KINDS",
    "PROGRAM_BYTES_MAX",
    "Expectation",
    "FaultSettings",
    "FilesystemSettings",
    "InvariantSettings",
    "Kind",
    "LeftLockSettings",
    "OpKind",
    "Option",
    "Scenario",
    "TranscriptSettings",
    "dump",
    "fault_settings",
]

Option = int | str | bool

LANES_MAX: Final = 16
#: Operations of one lane.
OPS_MAX: Final = 400
#: Kinds of fault in one scenario.
FAULTS_MAX: Final = 16
EXTENSIONS_MAX: Final = 16
#: Size of all programs of a scenario.
PROGRAM_BYTES_MAX: Final = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranscriptSettings:
    """The transcript before the first step."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    entries: Annotated[LineRange, doc("Lines after the header.")] = (2, 6)
    entry_bytes: Annotated[
        ByteRange, doc("Bytes of text in an entry, here and wherever a lane appends one.")
    ] = (20, 120)
    symlink: Annotated[
        bool,
        doc("true: the path is a symbolic link to the file, which has another name in the same folder."),
    ] = False
    exists: Annotated[
        bool, doc("false: there is no file at first and no line; its first writer makes it.")
    ] = True
    version: Annotated[
        Literal[2, 3],
        doc(
            "Version of the format in the header; a store of version 3 migrates an older file that it opens."
        ),
    ] = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeftLockSettings:
    """A lock file of a process that died before the first step, and whose process id is in use again."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    process: Annotated[
        Name, doc("Process of a lane that now has the id of the dead process, with a start time of its own.")
    ]
    age_ms: Annotated[MsRange, doc("Virtual milliseconds since the lock was made.")] = (1000, 10_000)


_PLAIN: Final = FilesystemSettings()

#: Operations, as `harness.model.program.Op` names them.
OpKind = Literal[
    "begin_turn",
    "load",
    "append",
    "release_for_prompt",
    "guarded_write",
    "recover",
    "end_turn",
    "acquire",
    "rewrite",
    "release",
    "action",
    "think",
]
#: The operations that make file calls.
OP_KINDS: Final[tuple[OpKind, ...]] = get_args(OpKind)[:-1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaultSettings:
    """A fault of a call or a process, in operations that the seed draws; kernel gate only.

    These are the keys that all faults have. A class of `fault_settings` adds those of process faults.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    #: The process faults whose keys it has.
    kinds: ClassVar[tuple[ProcessFault, ...]] = ()

    lane: Annotated[Name, doc("Name of a lane, or a role: every lane with that role.")]
    operations: Annotated[
        tuple[OpKind, ...],
        MinLen(1),
        doc("Kinds of operation in which the fault may strike; absent: every kind but think."),
    ] = OP_KINDS
    call: Annotated[
        CallName | None,
        doc("Name of the system call that goes wrong. A process fault without it strikes at any step."),
    ] = None
    error: Annotated[
        ErrorName | None,
        doc("Error of the call, one that this call can give; absent: a write is only cut short."),
    ] = None
    cut: Annotated[
        bool,
        doc(
            "true: a write first writes a part of its bytes; then the next call fails, or the process is "
            "killed."
        ),
    ] = False
    nth: Annotated[
        CountRange,
        doc(
            "Number of the call among those of that name on that file in the operation, or number of the "
            "step; from 1."
        ),
    ] = 1
    file: Annotated[
        FileName | None,
        doc(
            "File of the call: transcript, lock, beside (any other file) or any. "
            "Absent: the transcript for error and cut, the lock for flock and fcntl, any file otherwise."
        ),
    ] = None
    times: Annotated[
        LineRange, doc("Operations in which the fault strikes in one schedule, if there are so many.")
    ] = 1

    @property
    def process_faults(self) -> dict[str, MsRange | bool]:
        """Return the process faults that it asks for, by key."""
        given = {kind.key: getattr(self, kind.key) for kind in self.kinds}
        return {key: value for key, value in given.items() if value is not None and value is not False}


def fault_settings(keys: tuple[str, ...] = tuple(PROCESS_FAULTS.built_in)) -> type[FaultSettings]:
    """Return the class whose instances have the keys of some process faults, too.

    Args:
        keys: of `PROCESS_FAULTS`; absent: those of the harness itself.
    """
    return _fault_settings(tuple(PROCESS_FAULTS[key] for key in keys))


@functools.cache
def _fault_settings(kinds: tuple[ProcessFault, ...]) -> type[FaultSettings]:
    fields: list[tuple[str, Any, Any]] = [
        (kind.key, Annotated[MsRange | None, doc(kind.doc)], None)
        if kind.lasts
        else (kind.key, Annotated[bool, doc(kind.doc)], False)
        for kind in kinds
    ]
    about = "A fault of a call or a process, in operations that the seed draws; kernel gate only."
    made = dataclasses.make_dataclass(
        FaultSettings.__name__,
        fields,
        bases=(FaultSettings,),
        namespace={"__doc__": about, "__module__": __name__, "kinds": kinds},
        frozen=True,
        kw_only=True,
    )
    return cast(type[FaultSettings], made)


#: The keys of a fault, those of process faults from outside aside.
FAULT_KEYS: Final = frozenset(field.name for field in dataclasses.fields(fault_settings()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class InvariantSettings:
    """A rule for the transcript's lines."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    check: Annotated[
        str, MinLen(1), doc("Name of `list invariants`, path/file.py:function or package.module:function.")
    ]
    each_step: Annotated[
        bool, doc("true: the rule is checked after each step that changed the transcript; false: at the end.")
    ] = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expectation:
    """The violations that a fence is known to show in a scenario."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    must: Annotated[tuple[Kind, ...], doc("Violations that have to be found.")] = ()
    may: Annotated[tuple[Kind, ...], doc("Violations that may be found.")] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """One claim about fences, and everything needed to check it.

    Args:
        name: stem of the file's name; no key of the file.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    about: Annotated[str, MinLen(1), MaxLen(2000), doc("The claim of the scenario, in a sentence or two.")]
    source: Annotated[
        str, MinLen(1), MaxLen(2000), doc("Source of the claim: an issue, a paper, a measurement.")
    ]
    policy: Annotated[
        str | CustomPolicy, doc("Effects that count as a takeover: a name of `list policies`, or a table.")
    ]
    lanes: Annotated[tuple[LaneSettings, ...], MinLen(1), MaxLen(LANES_MAX), doc("The lanes that take part.")]
    expect: Annotated[
        dict[str, tuple[Kind, ...] | Expectation],
        doc(
            "Violations by fence: a list of those that must be found, or {must, may}. Any other violation "
            "fails."
        ),
    ]
    transcript: Annotated[TranscriptSettings, doc("The transcript before the first step.")] = (
        TranscriptSettings()
    )
    filesystem: Annotated[
        FilesystemSettings, doc("File system that stat shows: a name, or keys; see below.")
    ] = _PLAIN
    left_lock: Annotated[
        LeftLockSettings | None,
        doc(
            "Lock file that a dead process left, for a fence whose lock names its maker by a process id; "
            "kernel gate only."
        ),
    ] = None
    faults: Annotated[
        tuple[FaultSettings, ...], MaxLen(FAULTS_MAX), doc("Faults of calls and processes; kernel gate only.")
    ] = ()
    fence_options: Annotated[
        dict[str, Option], doc("Options for the fence and its lock; those of the lock begin with lock_.")
    ] = dataclasses.field(default_factory=dict)
    fences: Annotated[
        tuple[Annotated[str, MinLen(1)], ...],
        doc("Fences to judge when the command line names none, beside those of `expect`."),
    ] = ()
    invariant: Annotated[
        str | tuple[str | InvariantSettings, ...],
        doc(
            "Rules for the transcript's lines that no participant may break: names of `list invariants`, "
            "path/file.py:function, or {check, each_step}."
        ),
    ] = ()
    extensions: Annotated[
        tuple[Annotated[str, MinLen(1)], ...],
        MaxLen(EXTENSIONS_MAX),
        doc(
            "Files with roles, actions, policies, faults and invariants of your own: path/file.py, from the "
            "working directory (docs/your-runtime.md). They are code: `run` wants them named by --extension, "
            "too, or --allow-programs."
        ),
    ] = ()
    schedules: Annotated[int, Ge(1), Le(100_000_000), doc("Schedules to try.")] = 1000
    steps_max: Annotated[int, Ge(1), Le(1_000_000), doc("A schedule with more steps is given up.")] = 2000
    step_ms: Annotated[int, Ge(0), Le(3_600_000), doc("Virtual milliseconds that pass with each step.")] = 1

    @property
    def faulty(self) -> bool:
        """Return whether the scenario needs what only the kernel gate has: faults, namespaces, kept locks."""
        kept = any(isinstance(lane, LockedSettings) and not lane.release for lane in self.lanes)
        clock = self.filesystem.clock is not None
        return bool(self.faults or self.left_lock or kept or clock) or any(
            any(key is not None for key in (lane.pid_namespace, lane.transcript, lane.clock))
            for lane in self.lanes
        )

    @property
    def named_fences(self) -> tuple[str, ...]:
        """Return the fences that are judged when the command line names none, each once."""
        return tuple(dict.fromkeys((*self.fences, *self.expect)))

    @property
    def invariants(self) -> tuple[InvariantSettings, ...]:
        """Return the rules, each with when it is asked."""
        given = (self.invariant,) if isinstance(self.invariant, str) else self.invariant
        return tuple(InvariantSettings(check=one) if isinstance(one, str) else one for one in given)

    def with_extensions(self, files: Sequence[str]) -> Scenario:
        """Return the scenario with further files of the user's; each process that runs it loads them."""
        return dataclasses.replace(self, extensions=tuple(dict.fromkeys((*self.extensions, *files))))

    def resolved_policy(self) -> Policy:
        """Return the policy's table."""
        return resolve(self.policy)

    def expectation(self, fence: str) -> Expectation:
        """Return the expectation of a fence; no violation at all for a fence that is not listed."""
        found = self.expect.get(fence, ())
        return found if isinstance(found, Expectation) else Expectation(must=found)


def dump(scenario: Scenario) -> dict[str, Any]:
    """Return plain data (dicts, lists, numbers, strings) from which `load_data` makes an equal scenario."""
    plain = _plain(scenario)
    assert isinstance(plain, dict)
    return plain


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        found = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _plain(item) for name, item in found if item is not None}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
