"""Runs are killed, stopped and interrupted at random moments; nothing may be left, lost or told otherwise.

The moments, the victims and the runs follow from a seed, as far as a real machine lets them. Claims
for each disturbance:

- Five seconds after the end no process, no session directory and no temporary file is left. Only where
  harness and janitor were killed together a directory may stay until ``doctor --clean``.
- The stored files are whole: plan, verdicts, progress, witnesses and their histories decode.
- A run that goes on says the same as the undisturbed one. One that ends early does, once it is resumed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.assault.runs import PATIENCE_S, SETUPS, Run, Setup, apart, shortened

__all__ = ["ABOUT", "add_options", "run"]

ABOUT = "kills, stops and interrupts at random moments: nothing left, nothing lost, resumed runs equal"

_GRACE_S = 5.0
_STOP_MAX_S = 2.5
_LOOK_S = 0.003
_TELL_EVERY = 50
#: Of a run that is over before it could be struck.
_ATTEMPTS_MAX = 6
#: Of exit statuses: those of runs that ended early, or lost an explorer.
_INTERRUPTED, _INCONCLUSIVE = 130, 3


class Kind(NamedTuple):
    """One way to disturb a run.

    Args:
        targets: kinds of process that are sent it, all at once.
        numbers: signals, one after the other.
        setups: names of the runs that it makes sense for.
        ends: whether the run may end because of it.
    """

    targets: tuple[str, ...]
    numbers: tuple[signal.Signals, ...]
    setups: tuple[str, ...]
    ends: bool


_ANY = ("plain", "plain", "shrinking", "program", "adapter")
_KILL = (signal.SIGKILL,)
_STOP = (signal.SIGSTOP, signal.SIGCONT)
KINDS = {
    "harness": Kind(("harness",), _KILL, _ANY, True),
    "explorer": Kind(("explorer",), _KILL, _ANY, True),
    "worker": Kind(("worker",), _KILL, _ANY, False),
    "janitor": Kind(("janitor",), _KILL, _ANY, False),
    "harness and janitor": Kind(("harness", "janitor"), _KILL, _ANY, True),
    "program": Kind(("program",), _KILL, ("program",), False),
    "adapter": Kind(("adapter",), _KILL, ("adapter",), False),
    "stop worker": Kind(("worker",), _STOP, _ANY, False),
    "stop program": Kind(("program",), _STOP, ("program",), False),
    "stop adapter": Kind(("adapter",), _STOP, ("adapter",), False),
    "stop explorer": Kind(("explorer",), _STOP, _ANY, False),
    "stop harness": Kind(("harness",), _STOP, _ANY, False),
    "SIGTERM": Kind(("harness",), (signal.SIGTERM,), _ANY, True),
    "SIGHUP": Kind(("harness",), (signal.SIGHUP,), _ANY, True),
    "Ctrl-C twice": Kind(("harness",), (signal.SIGINT, signal.SIGINT), _ANY, True),
}
#: Seven kinds of kills make up this share of all disturbances, evenly.
_KILLS = list(KINDS)[:7]


class Told(NamedTuple):
    """The words of a run.

    Args:
        status: exit status.
        summaries: of its standard output.
        error: its standard error.
    """

    status: int
    summaries: list[dict[str, Any]]
    error: str


class Trial(NamedTuple):
    """One disturbance and what came of it.

    Args:
        kind: of the disturbance.
        where: the run and the moment.
        struck: whether there was a process to strike.
        status: exit status of the disturbed run.
        voided: runs of schedules that were repeated.
        faults: in words; none where all claims hold.
    """

    kind: str
    where: str
    struck: bool
    status: int
    voided: int
    faults: tuple[str, ...]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the sizes, each with a default."""
    command.add_argument("--kills", type=int, default=420, help="how many disturbances in all")
    command.add_argument("--seed", type=int, default=1, help="decides victims and moments")
    command.add_argument("--jobs", type=int, default=2, help="how many runs at a time")
    command.add_argument("--percent", type=int, default=100, help="of the schedules of each run")
    command.add_argument("--only", choices=KINDS, help="one kind alone")


def run(options: argparse.Namespace) -> bool:
    """Carry it out, print the figures, and return whether nothing failed."""
    with tempfile.TemporaryDirectory(prefix="harness-assault-") as folder:
        setups = {name: shortened(setup, options.percent) for name, setup in SETUPS.items()}
        calm = {name: (setup, *_calm(Path(folder) / "calm" / name, setup)) for name, setup in setups.items()}
        for name, (_, told, lasts_s) in calm.items():
            print(f"undisturbed: {name}: status {told.status}, {lasts_s:.1f} s", flush=True)
        wanted = [options.only] * options.kills if options.only else _wanted(options.kills, options.seed)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            trials = []
            for trial in pool.map(
                lambda job: _trial(Path(folder) / str(job[0]), job[1], options.seed, calm), enumerate(wanted)
            ):
                trials.append(trial)
                if len(trials) % _TELL_EVERY == 0:
                    print(f"{len(trials)} of {len(wanted)}", flush=True)
                for fault in trial.faults:
                    print(f"FAILED {trial.kind} ({trial.where}): {fault}", flush=True)
    return _figures(trials)


def _wanted(count: int, seed: int) -> list[str]:
    """Return the kinds of disturbance in a random order; each kill comes five times as often."""
    pattern = [*(_KILLS * 5), *list(KINDS)[len(_KILLS) :]]
    kinds = [pattern[number % len(pattern)] for number in range(count)]
    random.Random(seed).shuffle(kinds)
    return kinds


def _figures(trials: list[Trial]) -> bool:
    """Print a line for each kind, and return whether nothing failed."""
    for kind in KINDS:
        mine = [trial for trial in trials if trial.kind == kind]
        if not mine:
            continue
        statuses = Counter(trial.status for trial in mine)
        shown = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        struck = sum(trial.struck for trial in mine)
        failed = sum(bool(trial.faults) for trial in mine)
        voided = sum(trial.voided for trial in mine)
        print(
            f"{kind:<20} {struck:>4} struck, {failed} failed, {voided} voided, statuses {shown}", flush=True
        )
    struck = sum(trial.struck for trial in trials)
    failed = sum(bool(trial.faults) for trial in trials)
    print(f"{'FAILED' if failed else 'ok'}: {struck} disturbances in {len(trials)} runs, {failed} failed")
    return not failed


def _calm(folder: Path, setup: Setup) -> tuple[Told, float]:
    """Run a setup undisturbed; return what it tells and how long it takes."""
    with Run(folder, setup) as one:
        began = time.monotonic()
        told = _ended(one.start())
        lasts_s = time.monotonic() - began
        left = one.leftovers(_GRACE_S) + one.damaged()
    assert told.status in (0, 1), told
    assert not left, left
    return told, lasts_s


def _ended(process: subprocess.Popen[str]) -> Told:
    """Wait for the end of a command."""
    try:
        out, error = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, error = process.communicate()
        error += f"\nhung: no end within {PATIENCE_S:.0f} s"
    summaries = []
    for line in out.splitlines():
        # A killed one may have been in the midst of its last line.
        with contextlib.suppress(ValueError):
            summaries.append(json.loads(line))
    return Told(process.returncode, summaries, error)


def _trial(folder: Path, name: str, seed: int, calm: dict[str, tuple[Setup, Told, float]]) -> Trial:
    """Disturb one run and look at what comes of it; one that is over too soon is begun again."""
    rng = random.Random(f"{seed} {folder.name}")
    kind = KINDS[name]
    setup, expected, lasts_s = calm[rng.choice(kind.setups)]
    for attempt in range(_ATTEMPTS_MAX):
        # Machines are not always as slow as they were when the undisturbed run was timed.
        delay_s = rng.uniform(0, lasts_s / 2**attempt)
        with Run(folder, setup) as one:
            struck, told, faults = _disturbed(one, name, delay_s, rng, expected)
        if struck or faults:
            break
    where = f"{setup.name}, {folder.name}, after {delay_s:.2f} s"
    voided = sum(summary["voided"] for summary in told.summaries)
    return Trial(name, where, struck, told.status, voided, tuple(faults))


def _disturbed(
    one: Run, name: str, delay_s: float, rng: random.Random, expected: Told
) -> tuple[bool, Told, list[str]]:
    """Disturb a run; return whether there was a process to strike, what it told, and what is wrong."""
    kind = KINDS[name]
    process = one.start()
    time.sleep(delay_s)
    struck = _strike(one, process, kind, rng)
    told = _ended(process)
    # Leftovers are looked for within the grace, before anything else.
    left = one.leftovers(_GRACE_S)
    if name == "harness and janitor" and struck:
        _ended(one.clean())
        left = one.leftovers(_GRACE_S)
    faults = left + one.damaged() + _says(told, expected, kind)
    if _is_early(told, expected) and (one.out / "plan.json").exists() and not faults:
        faults += _resumed(one, expected)
    return struck, told, faults


def _strike(one: Run, process: subprocess.Popen[str], kind: Kind, rng: random.Random) -> bool:
    """Send the signals; return False where the run is over before there is anything to send them to."""
    while process.poll() is None:
        groups = [one.targets(target, process.pid) for target in kind.targets]
        if all(groups):
            struck = [rng.choice(group) for group in groups]
            for number in kind.numbers:
                for victim in struck:
                    with contextlib.suppress(psutil.Error):
                        victim.send_signal(number)
                if number != kind.numbers[-1]:
                    time.sleep(rng.uniform(0, _STOP_MAX_S))
            return True
        time.sleep(_LOOK_S)
    return False


def _says(told: Told, expected: Told, kind: Kind) -> list[str]:
    """Return what a disturbed run says and should not."""
    faults = []
    if "Traceback" in told.error or "hung:" in told.error:
        faults.append(told.error[-600:])
    if not _is_early(told, expected):
        return faults + _differences(told, expected)
    allowed = {_INTERRUPTED, _INCONCLUSIVE, -signal.SIGKILL} if kind.ends else set()
    if set(kind.numbers) & {signal.SIGTERM, signal.SIGHUP, signal.SIGINT}:
        # Before it can handle them they end it as they end any program.
        allowed |= {-number for number in kind.numbers}
    if told.status not in allowed and not (kind.ends and told.status == expected.status):
        why = "; ".join(one["why_inconclusive"] for one in told.summaries if one["why_inconclusive"])
        faults.append(f"status {told.status}, expected {expected.status}: {why or told.error[-600:]}")
    return faults


def _is_early(told: Told, expected: Told) -> bool:
    """Return whether a run did not get to its end."""
    return told.status != expected.status or any(
        summary["stopped"] or summary["why_inconclusive"] for summary in told.summaries
    )


def _differences(told: Told, expected: Told) -> list[str]:
    if len(told.summaries) != len(expected.summaries):
        return [f"{len(told.summaries)} results, expected {len(expected.summaries)}"]
    pairs = zip(told.summaries, expected.summaries, strict=True)
    differing = [f"{one['fence']}: {', '.join(names)}" for one, two in pairs if (names := apart(one, two))]
    return [f"not the same as the undisturbed run: {'; '.join(differing)}"] if differing else []


def _resumed(one: Run, expected: Told) -> list[str]:
    """Go on with a run; return what is wrong with that."""
    told = _ended(one.resume())
    faults = one.leftovers(_GRACE_S) + one.damaged()
    faults += [f"never put in its place: {name}" for name in one.unfinished()]
    if told.status != expected.status:
        wrong = f"resumed with status {told.status}, expected {expected.status}: {told.error[-600:]}"
        return [*faults, wrong]
    return faults + [f"resumed: {fault}" for fault in _differences(told, expected)]
