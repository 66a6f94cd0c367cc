"""``shrink``: make the story of a witness as small as it gets."""

from __future__ import annotations

import argparse
import os

import msgspec

from harness import gates
from harness.cli.code_permission import check_code_of_witness
from harness.cli.extension_permission import scenario_of
from harness.cli.output import emit, remark, replay_command
from harness.cli.output_option import output_of
from harness.cli.program_permission import check_witness
from harness.cli.scenario_files import check_keepable
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.explore.coordinator import Coordinator
from harness.model.errors import GateUnavailable, UsageError
from harness.report.story import headline, story
from harness.results import regression_corpus
from harness.results.witness import Witness, read
from harness.results.witness import encode as encode_witness
from harness.results.witness_archive import split
from harness.scenario.fence_reference import check
from harness.shrink import ShrinkJob, Shrunk
from harness.system.output_file import OutputFile, write_whole

__all__ = ["main"]

_SUFFIX = ".shrunk"


def main(arguments: argparse.Namespace) -> int:
    """Shrink a witness; return 0 if it is done, 1 if the violation is gone, 3 if that is not known."""
    witness = read(arguments.witness)
    if split(arguments.witness) and not arguments.out:
        raise UsageError(
            f"{arguments.witness}: stands in an archive, which is never written to; "
            "give --out FILE for the smaller witness"
        )
    if arguments.keep is not None:
        check_keepable([arguments.keep])
        if not os.path.isfile(arguments.keep):
            raise UsageError(
                f"--keep {arguments.keep}: is no file; give the scenario that the witness belongs to"
            )
    if witness.gate != "kernel":
        raise UsageError(
            f"{arguments.witness}: found under the {witness.gate} gate, under which no schedule can be "
            "followed; find it again with --gate kernel"
        )
    why = gates.unavailable(witness.gate)
    if why:
        raise GateUnavailable(f"the witness was found under the {witness.gate} gate: {why}")
    scenario = scenario_of(arguments.witness, witness, arguments.extension or (), arguments.allow_programs)
    if not arguments.allow_programs:
        check_code_of_witness(arguments.witness, witness, scenario, None)
    check_witness(arguments.witness, witness, arguments.allow_programs)
    check(witness.fence)
    with output_of(arguments.out or _beside(arguments.witness)) as out:
        return _shrink(arguments, witness, out)


def _shrink(arguments: argparse.Namespace, witness: Witness, out: OutputFile) -> int:
    """Shrink a witness, store the smaller one, and return the exit status."""
    with Coordinator(1, arguments.session_root) as coordinator:
        work = ShrinkJob.of(witness, arguments.time_limit_s)
        found = [one for one in coordinator.carry_out(work, work.time_limit_s) if isinstance(one, Shrunk)]
        interrupted = coordinator.interrupted
    if not found or found[-1].best is None:
        return _show_nothing(arguments, found[-1].why_not if found else "nothing was run", interrupted)
    shrunk = found[-1]
    small = shrunk.witness(witness)
    out.write(encode_witness(small))
    if not out.is_stream:
        write_whole(f"{os.path.splitext(out.path)[0]}.history.jsonl", small.history.encode())
    kept = regression_corpus.keep(arguments.keep, small) if arguments.keep else ""
    _show(arguments, shrunk, small, out, kept)
    return INTERRUPTED if interrupted else OK


def _beside(path: str) -> str:
    stem = os.path.splitext(path)[0].removesuffix(_SUFFIX)
    return f"{stem}{_SUFFIX}.json"


def _show_nothing(arguments: argparse.Namespace, why: str, interrupted: bool) -> int:
    if arguments.json:
        emit(msgspec.json.encode({"witness": arguments.witness, "shrunk": None, "why": why}).decode())
    else:
        remark(f"{arguments.witness}: nothing to shrink: {why}")
    if interrupted:
        return INTERRUPTED
    return NOT_EXPECTED if why.startswith("it does not show") else INCONCLUSIVE


def _show(arguments: argparse.Namespace, shrunk: Shrunk, small: Witness, out: OutputFile, kept: str) -> None:
    if arguments.json:
        said = {
            "witness": arguments.witness,
            "shrunk": out.path,
            "kept": kept or None,
            "kind": small.claim.kind,
            "fence": small.fence,
            **shrunk.figures(),
            "critical": small.critical,
        }
        emit(msgspec.json.encode(said).decode())
        return
    best = shrunk.best
    assert best is not None
    emit(headline(best.history, best.violation))
    for line in story(best.history, best.judgement, best.violation, small.critical, shrunk.code):
        emit(f"  {line}")
    emit(shrunk.summary_line())
    if kept:
        emit(f"kept: {kept}")
    if not out.is_stream:
        emit(replay_command(out.path))
