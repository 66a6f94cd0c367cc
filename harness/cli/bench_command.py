"""``bench``: measure the cost of steps, decisions and searches, and compare it with an earlier one."""

from __future__ import annotations

import argparse
import os

import msgspec

from harness import gates
from harness.cli.bench_check import trial
from harness.cli.bench_output import panels, show_changes, show_curves, show_gate, show_quantity
from harness.cli.bench_parts import Plan, Recorder, plain_fences
from harness.cli.bench_versus import versus
from harness.cli.code_permission import check_code
from harness.cli.extension_permission import extending, load_named
from harness.cli.output import emit, remark
from harness.cli.output_option import output_of
from harness.cli.program_permission import check_programs
from harness.cli.scenario_files import own_folder
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.model.errors import FormatError, GateUnavailable, UsageError
from harness.report.growth_chart import growth_svg
from harness.scenario import load_all
from harness.scenario.fence_reference import check as check_fence
from harness.system.machine import differing, machine
from harness.system.output_file import OutputFile, write_whole
from harness.tools.bench.comparing import Change, compare_all, worst
from harness.tools.bench.figures import PARTS, Figures, Part, encode, read
from harness.tools.bench.growth import SIZES
from harness.tools.bench.reference import VERSION
from harness.tools.versus import courses

__all__ = ["main"]

#: Short and long, one process and several, files replaced and locks contended.
_SCENARIOS = (
    "quickstart",
    "contention",
    "busy-gateway",
    "compaction-new-file",
    "long-transcript",
    "rogue-zoo",
)
_FENCE = "ledger"
_ROUNDS = 16
_SCHEDULES = 5
#: Options that only some ways of calling it use.
_USERS = {
    "limit_s": ("versus",),
    "explorers": ("versus",),
    "comparisons": ("check",),
    "compare": ("measure",),
    "parts": ("measure",),
    "scenario": ("measure",),
    "fence": ("measure",),
    "schedules": ("measure",),
    "largest_kib": ("measure",),
    "controls": ("measure", "versus"),
    "extension": ("measure", "versus"),
}


def main(arguments: argparse.Namespace) -> int:
    """Measure and print; with ``--out`` store the figures, with ``--compare`` judge them."""
    _check_options(arguments)
    if arguments.out is None:
        return _measure(arguments, None)
    with output_of(arguments.out) as out:
        return _measure(arguments, out)


def _measure(arguments: argparse.Namespace, out: OutputFile | None) -> int:
    why = gates.unavailable("kernel")
    if why:
        raise GateUnavailable(f"bench measures the kernel gate: {why}; see `python -m harness doctor`")
    if arguments.versus:
        return versus(arguments, out)
    if arguments.check:
        return trial(arguments, out)
    baseline = read(arguments.compare) if arguments.compare else None
    strange = _strange(arguments.compare, baseline) if baseline else []
    plan = _plan(arguments, baseline)
    for sentence in strange:
        remark(sentence)
    recorder = Recorder(plan, (lambda _: None) if arguments.json else show_quantity)
    figures = recorder.measure()
    changes = compare_all(baseline, figures, not strange) if baseline else []
    _show(arguments, figures, changes)
    if recorder.interrupted:
        return INTERRUPTED
    if out is not None:
        _store(out, figures)
    return OK if baseline is None else _status(changes, bool(strange))


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that this way of calling does not use, rather than ignore them."""
    if arguments.versus and arguments.check:
        raise UsageError("--check: given with --versus; give one of them")
    way = "versus" if arguments.versus else "check" if arguments.check else "measure"
    for name, ways in _USERS.items():
        if getattr(arguments, name) is not None and way not in ways:
            option = "--" + name.replace("_", "-")
            if "measure" in ways:
                raise UsageError(f"{option}: given with --{way}, which has no use for it; leave it out")
            raise UsageError(
                f"{option}: given without --{ways[-1]}, which alone has a use for it; add --{ways[-1]}"
            )


def _strange(path: str, baseline: Figures) -> list[str]:
    """Return why times of the baseline cannot be compared with ours; an empty list when they can."""
    if baseline.reference != VERSION:
        raise FormatError(
            f"{path}: measured against version {baseline.reference} of the reference workload, "
            f"expected {VERSION}; make it anew with `python -m harness bench --out {path}`"
        )
    return [
        f"{path}: another machine: {fact}; times are not compared, only counters; make a baseline here"
        for fact in differing(baseline.machine, machine())
    ]


def _plan(arguments: argparse.Namespace, baseline: Figures | None) -> Plan:
    """Return the plan that the arguments ask for.

    Raises:
        UsageError: it cannot be measured; nothing ran.
    """
    parts = _parts(arguments.parts, baseline)
    folder = arguments.scenarios or own_folder()
    files = arguments.scenario or [os.path.join(folder, f"{name}.yaml") for name in _SCENARIOS]
    files = files if {"scenarios", "walls", "gate"} & set(parts) else []
    added = tuple(arguments.extension or ())
    load_named(added)
    scenarios = load_all(files, extending(added, arguments.allow_programs, added))
    check_code(files, scenarios, (), arguments.allow_programs, fences=False)
    check_programs(scenarios, arguments.allow_programs, "kernel")
    fences = arguments.fence or []
    for reference in fences:
        check_fence(reference)
    if len(fences) > 1 and "growth" not in parts:
        raise UsageError("--fence: given more than once, but only the part growth takes several; give one")
    names = [name.strip() for name in (arguments.controls or "").split(",") if name.strip()]
    largest = (arguments.largest_kib or max(SIZES) >> 10) << 10
    return Plan(
        parts,
        [one.with_extensions(added) for one in scenarios],
        fences[0] if fences else _FENCE,
        fences or plain_fences(),
        courses(names, folder, added) if "controls" in parts else [],
        tuple(size for size in SIZES if size <= largest),
        arguments.schedules or _SCHEDULES,
        arguments.rounds or _ROUNDS,
        arguments.seed,
        arguments.session_root,
    )


def _parts(text: str | None, baseline: Figures | None) -> list[Part]:
    if text is None:
        # A part without a counterpart in the baseline is not measured.
        return [part for part in (baseline.parts if baseline else PARTS) if part != "gate" or not baseline]
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in PARTS:
            raise UsageError(f"--parts {name}: no part, expected some of {', '.join(PARTS)}")
    return [part for part in PARTS if part in asked]


def _show(arguments: argparse.Namespace, figures: Figures, changes: list[Change]) -> None:
    if arguments.json:
        data = msgspec.to_builtins(figures)
        if arguments.compare:
            data["comparison"] = {"verdict": worst(changes), "changes": msgspec.to_builtins(changes)}
        emit(msgspec.json.encode(data).decode())
        return
    if figures.gate is not None:
        show_gate(figures.gate)
    show_curves(figures.quantities)
    if arguments.compare:
        show_changes(changes, arguments.compare)
        emit(f"{worst(changes)}")


def _store(out: OutputFile, figures: Figures) -> None:
    out.write(encode(figures))
    remark(f"stored: {out.path}")
    curves = panels(figures.quantities)
    if curves and not out.is_stream:
        picture = f"{os.path.splitext(out.path)[0]}.svg"
        write_whole(picture, growth_svg(curves))
        remark(f"stored: {picture}")


def _status(changes: list[Change], strange: bool) -> int:
    verdict = worst(changes)
    if verdict == "slower":
        return NOT_EXPECTED
    return INCONCLUSIVE if strange or verdict == "not compared" else OK
