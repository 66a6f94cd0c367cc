"""The measurements as data, and the document of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from tests.measured_filesystems.expected import guess
from tests.measured_filesystems.facts import FACTS, Answer
from tests.measured_filesystems.mounts import KERNEL

__all__ = ["HERE", "Machine", "Row", "rendered"]

#: The place of the machine that measures; the other one is a virtual machine in it.
HERE: Final = "here"
_PLACES: Final = {HERE: "", "guest": ", in a virtual machine (QEMU without KVM)"}
_SHOWN: Final = {True: "yes", False: "no"}
_HEAD: Final = """\
# What stat tells on real file systems

Made by `python -m tests.measured_filesystems`; do not edit. `!` marks what was guessed otherwise before it
was measured for the first time, with the guess in brackets. `filesystem: NAME` of a scenario tells the same,
as far as it has a key ([scenario.md](../docs/reference/scenario.md)); a test compares. The verdicts of
fences: [filesystem-fences.md](filesystem-fences.md).
"""


class Row(msgspec.Struct, frozen=True):
    """One file system.

    Args:
        name: as a scenario calls it.
        by: the kernel, or the version of the program that provides it.
        facts: what was measured; empty if nothing was.
        why_not: why nothing was measured.
    """

    name: str
    by: str = KERNEL
    facts: dict[str, Answer] = {}
    why_not: str = ""


class Machine(msgspec.Struct, frozen=True):
    """Measurements on one kernel.

    Args:
        kernel: its release.
        tick_ms: between two ticks of its coarse clock.
        ticking: whether all time stamps are those of the last tick, as before Linux 6.13.
        rows: the file systems.
    """

    kernel: str
    tick_ms: int
    ticking: bool
    rows: Sequence[Row]


def rendered(machines: dict[str, Machine]) -> str:
    """Return the document.

    Args:
        machines: what was measured, by place: HERE or ``guest``.
    """
    lines = [_HEAD]
    for place in _PLACES:
        if place in machines:
            lines += _part(place, machines[place])
    lines += (f"- `{fact}`: {question}" for fact, question in FACTS.items())
    return "\n".join([*lines, ""])


def _part(place: str, machine: Machine) -> Iterator[str]:
    stamps = "All stamps are ticks" if machine.ticking else "Stamps are finer after a look at the file"
    yield f"## Linux {machine.kernel}{_PLACES[place]}\n"
    yield f"The clock of files ticks every {machine.tick_ms} ms. {stamps}.\n"
    yield "| | " + " | ".join(FACTS) + " |"
    yield "|---" * (len(FACTS) + 1) + "|"
    for row in machine.rows:
        if row.why_not:
            yield f"| {row.name} | not measured: {row.why_not} |" + " |" * (len(FACTS) - 1)
            continue
        guessed = guess(row.name, ticking=machine.ticking)
        cells = [_cell(row.facts.get(fact), guessed.get(fact)) for fact in FACTS]
        yield f"| {row.name} ({row.by}) | " + " | ".join(cells) + " |"
    yield ""


def _cell(found: Answer | None, guessed: Answer | None) -> str:
    if found is None:
        return ""
    shown = _text(found)
    return shown if guessed is None or shown == _text(guessed) else f"{shown} ! ({_text(guessed)})"


def _text(answer: Answer) -> str:
    return _SHOWN[answer] if isinstance(answer, bool) else str(answer)
