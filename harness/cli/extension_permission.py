"""Loads the files with roles, actions and so on that scenarios, witnesses and the command line name.

They are code, so the rule of `harness.cli.code_permission` holds: a file that only another file names is
loaded if the user has named it as well, or allows it. A scenario cannot be read without its files, so the
rule is applied while it is read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence

from harness.model.errors import ExtensionError, ScenarioError, UsageError
from harness.results.witness import Witness
from harness.scenario import Scenario
from harness.scenario.drawn_digest import drawn_digest
from harness.scenario.extension_files import KEY, Extending, loaded
from harness.strategies.families import program_number

__all__ = ["extending", "load_named", "scenario_of"]

_ALLOW = "--allow-programs"
_REMEDY = "bring back the version with which it was found, or run the scenario again"


def extending(
    named: Iterable[str],
    allowed: bool,
    everywhere: Sequence[str] = (),
    option: str = _ALLOW,
    naming: str = "--extension",
) -> Extending:
    """Return how the files are loaded that a scenario names.

    Args:
        named: files that the user has given.
        allowed: whether all code may be run.
        everywhere: files that all scenarios have.
        option: what the user gives to allow all code.
        naming: how the user names a file.
    """
    known = {os.path.realpath(one) for one in named}

    def load(reference: str) -> None:
        if not allowed and os.path.realpath(reference) not in known:
            raise UsageError(
                f"would run `{reference}`; code that only a file names is not run; read what it does, then "
                f"name it as well ({naming} {reference}), or give {option}"
            )
        from harness.extensions import tried_extension

        tried_extension(reference)

    return Extending(load, tuple(everywhere))


def load_named(files: Iterable[str] | None) -> Extending:
    """Load the files that the user has given by ``--extension``, and return what loads no others.

    Raises:
        ExtensionError: one of them cannot be used.
    """
    named = tuple(files or ())
    found = extending(named, False, named)
    for file in named:
        found.load(file)
    return found


def scenario_of(path: str, witness: Witness, named: Iterable[str], allowed: bool) -> Scenario:
    """Return the scenario of a witness, with the files loaded that it needs.

    Args:
        path: of the witness.
        witness: as read.
        named: files that the user has given.
        allowed: whether all code may be run.

    Raises:
        UsageError: one is missing, may not be loaded, or draws another program since it was changed.
    """
    from harness.scenario import load_data

    found = extending(named, allowed)
    given = witness.scenario.get(KEY, ())
    for reference in given if isinstance(given, list) else ():
        if isinstance(reference, str) and not os.path.isfile(reference):
            version = _version(witness, reference)
            raise UsageError(
                f"{path}: needs the extension {reference}{version}, and there is no such file; "
                "bring it back, or go to the folder from which the witness was found"
            )
    try:
        scenario = load_data(witness.scenario, path, found)
    except ScenarioError as error:
        changed = _changed(witness)
        if not changed:
            raise
        raise UsageError(f"{error}\n{path}: {changed} has changed; {_REMEDY}") from error
    _check_same(path, witness, scenario)
    return scenario


def _version(witness: Witness, reference: str) -> str:
    found = next((one for one in witness.extensions if one.file == reference), None)
    return f" (version {found.digest})" if found is not None else ""


def _changed(witness: Witness) -> str:
    """Return the files of a witness that are others now than when it was found; empty for none."""
    found = []
    for one in witness.extensions:
        with contextlib.suppress(ExtensionError):
            now = loaded(one.file).digest
            found += [f"{one.file} (version {one.digest} then, {now} now)"] if now != one.digest else []
    return " and ".join(found)


def _check_same(path: str, witness: Witness, scenario: Scenario) -> None:
    """Refuse a witness whose program its extensions would not draw any more."""
    number = program_number(witness.strategy, witness.schedule_index)
    if not witness.drawn or drawn_digest(scenario, witness.seed, number) == witness.drawn:
        return
    what = _changed(witness) or "a module that its extensions import"
    raise UsageError(
        f"{path}: {what} has changed so that seed {witness.seed} draws another program in schedule "
        f"{witness.schedule_index}; {_REMEDY}"
    )
