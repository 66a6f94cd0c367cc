"""Checks that code which a file names is run only if the user names it as well, or allows it.

A scenario, a witness or the plan of a run may come from anywhere. A fence or an invariant of ours, or of
an installed package, is known by its name; a reference to a module, a file or a command makes that code
run. See `harness.cli.program_permission` for the programs that lanes start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from fence import FENCES
from harness.model.errors import UsageError
from harness.results.witness import Witness
from harness.scenario import Scenario

__all__ = ["check_code", "check_code_of_history", "check_code_of_witness", "fences_of", "runs_code"]

_ALLOW = "--allow-programs"


def runs_code(reference: str) -> bool:
    """Return whether the reference of a fence or an invariant leads to code that is no part of the harness.

    Args:
        reference: ``path/file.py:Name``, ``package.module:Name`` or ``exec:COMMAND``, or a name.
    """
    return ":" in reference and reference not in FENCES


def fences_of(scenario: Scenario) -> list[str]:
    """Return the fences that are run where the user names none, without those that `expect` leaves out."""
    return list(scenario.named_fences)


def check_code(
    where: Sequence[str],
    scenarios: Sequence[Scenario],
    named: Collection[str],
    allowed: bool,
    *,
    fences: bool,
    option: str = _ALLOW,
    more: Iterable[tuple[str, str]] = (),
) -> None:
    """Refuse scenarios that name code which the user has neither named nor allowed.

    Args:
        where: file of each scenario.
        scenarios: in the same order.
        named: references that the user has given.
        allowed: whether all code may be run.
        fences: whether the fences that scenarios name are run, and not only their invariants.
        option: what the user gives to allow it.
        more: further references from files, each with its file.

    Raises:
        UsageError: names all that was refused.
    """
    wanted = list(more)
    for file, scenario in zip(where, scenarios, strict=True):
        wanted += [(file, one) for one in (fences_of(scenario) if fences else ())]
        wanted += [(file, one.check) for one in scenario.invariants]
    _refuse(wanted, named, allowed, f"name it on the command line as well, or give {option}")


def check_code_of_witness(path: str, witness: Witness, scenario: Scenario, fence: str | None) -> None:
    """Refuse a witness that names code; to be called when the user has not allowed code.

    Args:
        path: of the witness.
        witness: as read.
        scenario: that it carries.
        fence: what the user wants to run in place of its fence; None for its own.

    Raises:
        UsageError: names all that was refused.
    """
    wanted = [] if fence is not None else [(path, witness.fence)]
    wanted += [(path, one.check) for one in scenario.invariants]
    naming = "name it again (--fence REF), or " if fence is None and runs_code(witness.fence) else ""
    _refuse(wanted, () if fence is None else (fence,), False, f"then {naming}give {_ALLOW}")


def check_code_of_history(
    path: str, references: Iterable[str], named: Collection[str], allowed: bool, fence: str
) -> None:
    """Refuse a history that names code which the user has neither named nor allowed.

    Args:
        path: of the history.
        references: of the code by which it is judged.
        named: references that the user has given.
        allowed: whether all code may be run.
        fence: reference of the history's fence, which cannot be named.

    Raises:
        UsageError: names all that was refused.
    """
    wanted = [(path, one) for one in references]
    naming = "" if (path, fence) in wanted else "name it as well (--invariant REF), or "
    _refuse(wanted, named, allowed, f"then {naming}give {_ALLOW}")


def _refuse(wanted: Iterable[tuple[str, str]], named: Collection[str], allowed: bool, remedy: str) -> None:
    refused = [] if allowed else [one for one in wanted if runs_code(one[1]) and one[1] not in named]
    if refused:
        lines = "\n".join(f"{file}: would run `{reference}`" for file, reference in dict.fromkeys(refused))
        raise UsageError(f"{lines}\ncode that only a file names is not run; read what it does, {remedy}")
