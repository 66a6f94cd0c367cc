"""``bench --versus``: measure how soon broken fences are caught, against blind stress."""

from __future__ import annotations

import argparse
import os

import msgspec

from harness.cli.display import Display
from harness.cli.extension_permission import load_named
from harness.cli.output import emit, remark
from harness.cli.scenario_files import own_folder
from harness.cli.status import INTERRUPTED, OK
from harness.explore.coordinator import Coordinator
from harness.report.versus_table import Row, rows, totals_of, totals_sentence
from harness.system.machine import machine
from harness.system.output_file import OutputFile
from harness.tools.versus import COUNTED, Versus, courses, measure

__all__ = ["versus"]

_ROUNDS = 3
_LIMIT_S = 20.0


def versus(arguments: argparse.Namespace, out: OutputFile | None) -> int:
    """Measure and print; store everything in ``out``. No figure is a failure, because they vary."""
    names = [name.strip() for name in (arguments.controls or "").split(",") if name.strip()]
    added = tuple(arguments.extension or ())
    load_named(added)
    wanted = courses(names, arguments.scenarios or own_folder(), added)
    rounds, limit_s = arguments.rounds or _ROUNDS, arguments.limit_s or _LIMIT_S
    explorers = arguments.explorers or len(os.sched_getaffinity(0))
    facts = machine()
    found: list[Row] = []
    with Coordinator(explorers, arguments.session_root) as coordinator:
        for course in wanted:
            row = measure(coordinator, course, rounds, limit_s, arguments.seed, explorers)
            if row is None:
                break
            found.append(row)
        interrupted = coordinator.interrupted
    fair = [row for row in found if not row.blind]
    figures = Versus(
        facts,
        COUNTED,
        rounds,
        limit_s,
        explorers,
        arguments.seed,
        totals_of(fair),
        totals_of([row for row in fair if not row.emulated]),
        totals_of(found),
        {row.control: row.blind for row in found if row.blind},
        tuple(found),
    )
    _show(figures, arguments.json)
    if out is not None and not interrupted:
        text = msgspec.json.format(msgspec.json.encode(figures), indent=1)
        out.write(text + b"\n")
    return INTERRUPTED if interrupted else OK


def _show(figures: Versus, json: bool) -> None:
    if json:
        emit(msgspec.json.encode(figures).decode())
        return
    Display(json).table(rows(figures.rows))
    emit(f"\n{totals_sentence(figures.totals)}")
    emit(f"where no stamps are emulated: {totals_sentence(figures.totals_real)}")
    for name, why in figures.out_of_reach.items():
        emit(f"out of reach of the free gate: {name}: {why}")
    emit(
        f"all controls, with the limit for those that are out of reach: {totals_sentence(figures.totals_all)}"
    )
    remark(f"counted: {figures.counted}")
