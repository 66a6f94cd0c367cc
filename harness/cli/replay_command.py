"""``replay``: run the schedule of a witness again."""

from __future__ import annotations

import argparse

import msgspec

from harness.cli.code_permission import check_code_of_witness
from harness.cli.extension_permission import scenario_of
from harness.cli.output import emit
from harness.cli.program_permission import check_programs, check_witness
from harness.cli.replay_inside import debugged, trace
from harness.cli.replay_stops import check_options, wants_stops
from harness.cli.search_tasks import check_inodes
from harness.cli.status import INCONCLUSIVE, NOT_EXPECTED, OK
from harness.gates import GATES
from harness.model.errors import FormatError
from harness.oracle import Violation
from harness.report.story import headline, story
from harness.results.witness import Witness, read
from harness.shrink.replay import Replayed, replay
from harness.system.janitor import place

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Replay a witness; return 0 if the violation shows or is gone as expected, 1 if not, 3 if not known."""
    witness = _read(arguments)
    check_options(arguments, witness)
    # The kind of place where `run` had it: programs save a file differently below /tmp.
    real = witness.scenario.get("filesystem", {}).get("inode_reuse") == "real"
    root = place(arguments.session_root, real)
    if arguments.trace:
        replayed = Replayed.of(witness, trace(witness, arguments.fence, root))
    elif wants_stops(arguments):
        replayed = Replayed.of(witness, debugged(witness, arguments, root))
    else:
        replayed = replay(witness, arguments.fence, root)
    if arguments.json:
        emit(msgspec.json.encode(_summary(replayed, witness.claim.kind)).decode())
    else:
        _show(replayed, witness)
    if replayed.violation is None and replayed.judgement.inconclusive:
        return INCONCLUSIVE
    shows = "gone" if replayed.violation is None else "shows"
    return OK if shows == arguments.expect else NOT_EXPECTED


def _read(arguments: argparse.Namespace) -> Witness:
    """Read the witness that can be replayed here, under another fence if one is given.

    Raises:
        FormatError: the file cannot be read, or its parts do not fit each other.
        UsageError: it names code or programs that are not allowed, or the file system under the session
            directory cannot serve it.
    """
    path, allowed = arguments.witness, arguments.allow_programs
    witness = read(path)
    if witness.gate not in GATES:
        raise FormatError(f"{path}: gate {witness.gate!r}, expected one of {', '.join(GATES)}")
    scenario = scenario_of(path, witness, arguments.extension or (), allowed)
    # Shrinking leaves lanes out.
    known = {name for lane in scenario.lanes for name in (*lane.names(), *lane.names_again())}
    for lane in witness.program.lanes:
        if lane.name not in known:
            raise FormatError(
                f"{path}: the program has a lane {lane.name!r}, the scenario none; "
                "the file was changed, expected it as `run` wrote it"
            )
    if not allowed:
        check_code_of_witness(path, witness, scenario, arguments.fence)
    check_witness(path, witness, allowed)
    check_programs([scenario], allowed, witness.gate)
    check_inodes([scenario], arguments.session_root)
    return witness


def _summary(replayed: Replayed, kind: str) -> dict[str, object]:
    return {
        "kind": kind,
        "fence": replayed.history.header.fence,
        "violation": replayed.violation is not None,
        "shows": replayed.shows,
        "same_step": replayed.same_step,
        "same_history": replayed.same_history,
        "diverged": str(replayed.difference or ""),
        "difference": replayed.difference,
        "followed": replayed.followed,
        "recorded": replayed.recorded,
        "asked": replayed.asked,
        "neighbour": replayed.neighbour,
        "inconclusive": replayed.judgement.inconclusive,
        "verdicts": replayed.judgement.counts(),
    }


def _show(replayed: Replayed, witness: Witness) -> None:
    kind = witness.claim.kind
    if replayed.difference is not None:
        emit(f"differs from the record: {replayed.difference}")
        emit(f"followed {replayed.followed} of {replayed.recorded} recorded steps")
    if replayed.judgement.inconclusive:
        rest = "" if replayed.violation is None else "; the rest is proved all the same"
        stuck = f"; {replayed.stuck}" if replayed.stuck else ""
        emit(f"inconclusive: {replayed.judgement.inconclusive}{stuck}{rest}")
    if replayed.violation is not None:
        _show_violation(replayed, replayed.violation, witness)
    elif not replayed.judgement.inconclusive:
        near = f", nor under {replayed.asked} neighbouring schedules" if replayed.asked else ""
        emit(f"no {kind.replace('_', ' ')} any more with {replayed.history.header.fence}{near}")


def _show_violation(replayed: Replayed, violation: Violation, witness: Witness) -> None:
    same = "the same history, step by step" if replayed.same_history else "another history"
    if replayed.shows == "elsewhere":
        same += f"; it shows elsewhere than recorded{', ' if replayed.neighbour else ''}{replayed.neighbour}"
    emit(f"{headline(replayed.history, violation)}\n({same})")
    critical = witness.critical if replayed.same_history else ()
    told = story(replayed.history, replayed.judgement, violation, critical, replayed.code, whole=True)
    for line in told:
        emit(f"  {line}")
