"""Scenarios with one program each, all in one run: to start the harness costs more than a program does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from tests.acceptance.harness_process import Harness, write_scenario

__all__ = ["compiled", "found", "script", "shortcomings", "twice"]

_USUAL = ("--allow-programs", "--json", "--no-shrink")
Name = TypeVar("Name", bound=Hashable)


def script(folder: Path, name: str, text: str, *interpreter: str) -> list[str]:
    """Write a script; return the command line that runs it."""
    path = folder / name
    path.write_text(text)
    return [*interpreter, str(path)]


def compiled(folder: Path, source: str, *options: str) -> dict[str, list[str]]:
    """Compile a program in C, with the shared C library and with its own; return both command lines."""
    path = folder / "program.c"
    path.write_text(source)
    programs = {"dynamic": (), "static": ("-static",)}
    for name, linked in programs.items():
        subprocess.run(["gcc", *linked, *options, "-o", str(folder / name), str(path)], check=True)
    return {name: [str(folder / name)] for name in programs}


def found(
    harness: Harness,
    folder: Path,
    texts: Mapping[Name, str],
    *options: object,
    fence: str = "ledger",
    **more: Any,
) -> dict[Name, dict[str, Any]]:
    """Run some scenarios in one call, and return what came of each.

    Args:
        harness: to call.
        folder: for their files.
        texts: of the scenarios, by a name.
        options: of the command line.
        fence: under which they run.
        more: arguments of `Harness.call`.
    """
    paths = [
        write_scenario(folder, text, f"case-{number}.yaml") for number, text in enumerate(texts.values())
    ]
    ended = harness.run(*paths, "--fence", fence, *_USUAL, *options, **more)
    assert ended.status in (OK, NOT_EXPECTED, INCONCLUSIVE), ended
    assert len(ended.out.splitlines()) == len(texts), ended
    return dict(zip(texts, ended.objects, strict=True))


def shortcomings(found: Mapping[Name, Mapping[str, Any]]) -> dict[Name, dict[str, Any]]:
    """Return what is wrong with each that did not pass: a program that did not write has changed nothing."""
    wanted = {
        **{"inconclusive": 0, "voided": 0, "violations": {}},
        **{"not_exercised": [], "stopped": "", "why_inconclusive": ""},
    }
    return {
        name: {key: one[key] for key in wanted}
        for name, one in found.items()
        if any(one[key] != value for key, value in wanted.items())
    }


def twice(
    harness: Harness, folder: Path, scenario: str, argvs: Mapping[str, Sequence[str]], **more: Any
) -> dict[str, str]:
    """Run programs with one explorer and with two; each has to pass, with the same histories.

    Args:
        harness: to call.
        folder: for the scenarios.
        scenario: text in which ``%s`` is a command line.
        argvs: the command lines, without the transcript, by name.
        more: arguments of `Harness.call`.

    Returns:
        The digest of the histories of each.
    """
    texts = {name: scenario % json.dumps([*argv, "{transcript}"]) for name, argv in argvs.items()}
    runs = [found(harness, folder, texts, "--explorers", count, **more) for count in (1, 2)]
    for run in runs:
        assert shortcomings(run) == {}
    one, two = ({name: str(each["histories"]) for name, each in run.items()} for run in runs)
    assert one == two
    return one
