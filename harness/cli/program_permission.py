"""Checks that scenarios and witnesses start programs of this machine only if the user allows it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterable, Sequence

from harness.cli.output import remark
from harness.model.errors import UsageError
from harness.model.program import Program
from harness.results.witness import Witness
from harness.scenario import Scenario
from harness.scenario.actions import ACTIONS
from harness.scenario.exec_program import PYTHON
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.roles.program import ProgramSettings

__all__ = ["check_programs", "check_witness", "permitted", "starts_programs"]

_ALLOW = "--allow-programs"
#: Folder that pyenv, rbenv, nodenv and their like put in front of PATH.
_SHIMS = "shims"


def permitted(
    files: Sequence[str], scenarios: Sequence[Scenario], named: Sequence[str], allowed: bool
) -> tuple[list[str], list[Scenario]]:
    """Return the scenario files that may be run, and their scenarios.

    When programs are not allowed, a file that starts some is refused if the user named it. If it only
    lies in a folder that the user named, it is left out with a remark.

    Args:
        files: of the scenarios, in the same order.
        scenarios: as read from them.
        named: files and folders as the user named them.
        allowed: whether programs may be started.

    Raises:
        UsageError: a named file starts programs, or nothing is left.
    """
    pairs = list(zip(files, scenarios, strict=True))
    if allowed:
        return list(files), list(scenarios)
    wanting = [(file, scenario) for file, scenario in pairs if _commands(scenario)]
    refused = [(file, scenario) for file, scenario in wanting if file in named]
    left = [(file, scenario) for file, scenario in pairs if not _commands(scenario)]
    if refused or (wanting and not left):
        lines = "\n".join(
            f"{file}: would start {_spelled(_commands(scenario))}" for file, scenario in refused or wanting
        )
        raise UsageError(f"{lines}\nprograms are started only with {_ALLOW}; read what they do, then give it")
    if wanting:
        remark(
            f"left out without {_ALLOW}, for they start programs: {', '.join(file for file, _ in wanting)}"
        )
    return [file for file, _ in left], [scenario for _, scenario in left]


def check_programs(scenarios: Sequence[Scenario], allowed: bool, gate: str, option: str = _ALLOW) -> None:
    """Refuse programs that are not allowed, that are not there, or that the gate cannot follow.

    Args:
        scenarios: what is to be run.
        allowed: whether programs may be started.
        gate: name of the gate.
        option: what the user gives to allow them.

    Raises:
        UsageError: everything that is in the way.
    """
    faults = []
    for scenario in scenarios:
        commands = _commands(scenario)
        if commands and not allowed:
            faults.append(
                f"scenario {scenario.name}: would start {_spelled(commands)}; programs are started only with "
                f"{option}; read what they do, then give it"
            )
        elif commands and gate != "kernel":
            faults.append(
                f"scenario {scenario.name}: role program needs the kernel gate, and the {gate} gate follows "
                "no program; run it where `python -m harness doctor` finds a kernel gate"
            )
        else:
            faults += [f"scenario {scenario.name}: {fault}" for fault in _missing(commands)]
    if faults:
        raise UsageError("\n".join(faults))
    _remark_shims(command for scenario in scenarios for command in _commands(scenario))


def check_witness(path: str, witness: Witness, allowed: bool) -> None:
    """Refuse a witness that starts programs which are not allowed or not there, or has unknown actions.

    Raises:
        UsageError: it starts such programs, or was found with an extension or a package that is not here.
    """
    unknown = _unknown(witness.program)
    if unknown:
        raise UsageError(
            f"{path}: the program has {' and '.join(unknown)}, which `python -m harness list` does not know; "
            "bring back the extension or the package that had it"
        )
    commands = _commands_of(witness.program)
    if commands and not allowed:
        raise UsageError(
            f"{path}: would start {_spelled(commands)}; programs are started only with {_ALLOW}; "
            "read what they do, then give it"
        )
    missing = _missing(commands)
    if missing:
        raise UsageError("\n".join(f"{path}: {fault}" for fault in missing))
    _remark_shims(commands)


def starts_programs(scenario: Scenario) -> bool:
    """Return whether a scenario starts programs."""
    return bool(_commands(scenario))


def _commands(scenario: Scenario) -> list[tuple[str, ...]]:
    return [lane.argv for lane in scenario.lanes if isinstance(lane, ProgramSettings)]


def _commands_of(program: Program) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(op.argv for lane in program.lanes for op in lane.ops if op.argv))


def _unknown(program: Program) -> list[str]:
    """Return the actions and faults of a program that there are not, in words."""
    ops = [op for lane in program.lanes for op in lane.ops]
    actions = dict.fromkeys(op.how for op in ops if op.kind == "action" and not op.argv)
    faults = dict.fromkeys(key for op in ops for fault in op.faults for key, _ in fault.others)
    return [
        *(f"the action {name!r}" for name in actions if name not in ACTIONS),
        *(f"the fault {key!r}" for key in faults if key not in PROCESS_FAULTS),
    ]


def _missing(commands: Iterable[tuple[str, ...]]) -> list[str]:
    return [
        f"{name}: no such program on PATH; install it, or leave the scenario out"
        for name in dict.fromkeys(argv[0] for argv in commands)
        if name != PYTHON and shutil.which(name) is None
    ]


def _remark_shims(commands: Iterable[tuple[str, ...]]) -> None:
    """Say which programs are scripts of a version manager that look for the program at each start."""
    for name in dict.fromkeys(argv[0] for argv in commands):
        path = shutil.which(name)
        if path is not None and _is_shim(path):
            remark(
                f"{name} is {path}, a script of a version manager: before each start it runs programs of "
                "its own, and all their steps are part of the schedule; name the program itself by its path"
                + (f", or {PYTHON} for the Python that runs the harness" if name.startswith("python") else "")
            )


def _is_shim(path: str) -> bool:
    if os.path.basename(os.path.dirname(path)) != _SHIMS:
        return False
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read(2) == b"#!"
    return False


def _spelled(commands: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(f"`{shlex.join(argv)}`" for argv in commands)
