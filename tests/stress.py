"""Checks that take longer than a test may: `make stress`, with sizes from the environment.

Claims for every scenario: each fence shows what its scenario says (`flaws`), the
same seed gives the same histories, idle and with every core loaded (`histories`, which
covers the first), each stored witness replays step by step (`witnesses`), and the ledger
is never accused under any strategy (`sound`), nor is any other sound fence of the tests
(`accused`: 200,000 schedules over all fences and scenarios). One for the oracle: its first pass agrees
with its whole analysis on random histories (`agreement`). And one for races of known
chance: real processes show them as often as theory says (`frequencies`). And one for
every control: its first witness comes down to at most twice the steps of a story by hand, in
10 s, and to the same story each time (`minima`). And for one long run: its memory does not grow
and two explorers do the work of two (`memory`), and killed half-way it comes to the same when it
is resumed (`resumed`). Prints a line a claim and exits 1 when one
does not hold.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from fence.controls import CONTROLS
from tests import endurance
from tests.fence.sound.members import SOUND as SOUND_FENCES
from tests.fence.sound.members import claimed_scenarios

HISTORIES = int(os.environ.get("STRESS_HISTORIES", "1000"))
WITNESSES = int(os.environ.get("STRESS_WITNESSES", "200"))
SOUND = int(os.environ.get("STRESS_SOUND", "20000"))
STRATEGIES = os.environ.get("STRESS_STRATEGIES", "portfolio,urw,delay,round-robin").split(",")
RANDOM = int(os.environ.get("STRESS_RANDOM", "100000"))
AGREEMENT_TESTS = (
    "tests/harness/oracle/test_first_pass.py::test_first_pass_and_whole_analysis_agree_on_random_histories",
)
SAMPLES = int(os.environ.get("STRESS_SAMPLES", "20000"))
LONG = int(os.environ.get("STRESS_LONG", "200000"))
CLAIMS = os.environ.get(
    "STRESS_CLAIMS", "histories,witnesses,sound,accused,agreement,frequencies,minima,memory,resumed"
).split(",")
#: Of `accused`, in all; divided among the fences and scenarios.
ACCUSED = int(os.environ.get("STRESS_ACCUSED", "200000"))
#: Of the search for each control's witness, from 1.
SEEDS = int(os.environ.get("STRESS_SEEDS", "1"))
#: Fences to run every scenario with, or controls for `minima`; empty for those that each names, or all.
FENCES = [fence for fence in os.environ.get("STRESS_FENCES", "").split(",") if fence]
SOUND_FENCE = "ledger"
#: Exit status of refused arguments.
USAGE = 2
#: Names of races in `tests.harness.strategies.shapes`, and strategies of which the chance can be computed.
RACES = ("lost update", "stat to read", "A-B-A", "2 windows", "3 windows")
COMPUTED = ("surw", "urw", "random")
#: Of one explorer's rate, the least share of two.
SCALES_MIN = 1.8
#: PCT of depth 2 finds flaws of depth 2; its bound says nothing of deeper ones.
BOUNDED = ("lost update", "stat to read", "A-B-A")


def _run(*arguments: str, shrink: bool = False, out: str | None = None) -> Iterator[dict[str, object]]:
    """Yield each object that `run --json` prints, as it prints it."""
    with tempfile.TemporaryDirectory(prefix="harness-stress-") as folder:
        command = [sys.executable, "-m", "harness", "run", *arguments, "--json", "--out", out or folder]
        command += ["--allow-programs", *([] if shrink else ["--no-shrink"])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                yield json.loads(line)
        # Refused arguments print nothing, and nothing printed is no claim that held.
        assert running.returncode != USAGE, command


@contextlib.contextmanager
def _load() -> Iterator[None]:
    """Keep every core busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _told(claim: str, name: str, fault: str) -> bool:
    print(f"{'FAILED' if fault else 'ok':<7} {claim}: {name}{': ' + fault if fault else ''}", flush=True)
    return not fault


def _pass(tell: bool) -> tuple[bool, dict[str, object]]:
    """Run every scenario under its fences; return whether all was as expected, and the histories' names."""
    held, sums = True, {}
    fences = [word for fence in FENCES for word in ("--fence", fence)]
    for one in _run("scenarios", "--schedules", str(HISTORIES), *fences):
        name = f"{one['scenario']} / {one['fence']}"
        sums[name] = one["histories"]
        fault = str(one["unexpected"] or one["why_inconclusive"] or "")
        if tell:
            held &= _told("as expected", f"{name} ({one['schedules']} schedules)", fault)
    return held, sums


def flaws() -> bool:
    """Every fence shows what the scenario expects of it, and nothing else."""
    return _pass(tell=True)[0]


def histories() -> bool:
    """Same seed, same history: idle and with every core loaded, byte for byte; flaws the first time."""
    held, first = _pass(tell=True)
    with _load():
        _, second = _pass(tell=False)
    for name, histories in first.items():
        if "real" not in name.partition(" / ")[0]:
            held &= _told("same histories", name, "" if second.get(name) == histories else "differs")
    return held


def witnesses() -> bool:
    """Every witness that a run stores, as found and shrunk, shows the same at the same step when replayed.

    Where the real inode allocator decides, the violation has to show, at any step.
    """
    held = True
    fences = [word for fence in FENCES for word in ("--fence", fence)]
    with tempfile.TemporaryDirectory(prefix="harness-stress-") as out:
        for _ in _run("scenarios", "--schedules", str(WITNESSES), *fences, shrink=True, out=out):
            pass
        for path in sorted(glob.glob(os.path.join(out, "witnesses", "*.json"))):
            command = [sys.executable, "-m", "harness", "replay", path, "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = json.loads(done.stdout or "{}")
            same = found.get("violation")
            if "real" not in os.path.basename(path).partition(".")[0]:
                same = same and found["same_history"] and found["same_step"]
            fault = "" if same else str(found.get("diverged") or found.get("inconclusive") or done.stderr)
            held &= _told("replays", os.path.basename(path), "" if same else fault or "another verdict")
    return held


def sound() -> bool:
    """No accusation of the sound fence, by any strategy, under the policies that it claims."""
    held = True
    for strategy in STRATEGIES:
        arguments = ("--fence", SOUND_FENCE, "--strategy", strategy, "--schedules", str(SOUND))
        for one in _run("scenarios", *arguments):
            name = f"{one['scenario']} by {strategy} ({one['schedules']} schedules)"
            held &= _told("never accused", name, str(one["unexpected"] or one["why_inconclusive"] or ""))
    return held


def agreement() -> bool:
    """The oracle's first pass and its whole analysis say the same of random histories."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *AGREEMENT_TESTS]
    environment = {**os.environ, "ORACLE_EXAMPLES": str(RANDOM)}
    done = subprocess.run(
        [*command, "--timeout", "0"], env=environment, capture_output=True, text=True, check=False
    )
    return _told("one answer", f"{RANDOM} random histories", "" if done.returncode == 0 else done.stdout)


def accused() -> bool:
    """No accusation of any sound fence in any scenario of its policy, and no doubt about its truth."""
    held, scenarios = True, claimed_scenarios()
    each = -(-ACCUSED // (len(SOUND_FENCES) * len(scenarios)))
    for name, fence in SOUND_FENCES.items():
        schedules, found = 0, []
        for one in _run(*scenarios, "--fence", fence, "--schedules", str(each)):
            schedules += int(str(one["schedules"]))
            if one["violations"] or one["why_inconclusive"]:
                found.append(f"{one['scenario']}: {one['violations'] or one['why_inconclusive']}")
        held &= _told("accused in none", f"{name} ({schedules} schedules)", "; ".join(found))
    return held


def frequencies() -> bool:
    """Within three standard errors of theory; for PCT, not below its bound."""
    held = True
    asked = [(race, strategy) for race in RACES for strategy in COMPUTED]
    for race, strategy in [*asked, *((race, "pct:2") for race in BOUNDED)]:
        command = [
            *(sys.executable, "-m", "tests.harness.gates.kernel.frequencies"),
            *(race, strategy, str(SAMPLES)),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        found = json.loads(done.stdout or "{}")
        name = f"{race} by {strategy} ({SAMPLES} schedules)"
        if found:
            name += f": {found['found']:.5f}, theory {found['expected']:.5f}, {found['errors']:+.2f} errors"
        held &= _told("as often as theory says", name, "" if found.get("holds") else "does not hold")
    return held


def minima() -> bool:
    """No more than twice the steps of a story by hand, in 10 s, and the same story again."""
    held = True
    for control in FENCES or CONTROLS:
        for seed in range(1, SEEDS + 1):
            command = [sys.executable, "-m", "tests.harness.shrink.compared", control, str(seed)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = json.loads(done.stdout or "{}")
            name = f"{control} (seed {seed})"
            if found:
                name += ": {found} steps, shrunk to {shrunk}, by hand {by_hand}".format(**found)
                name += " ({runs} schedules in {seconds:.1f} s)".format(**found)
            held &= _told("small", name, found["fault"] if found else done.stderr.strip()[-500:] or "died")
    return held


def memory() -> bool:
    """Flat from a quarter of the way on, and two explorers have at least 1.8 times the rate of one."""
    with tempfile.TemporaryDirectory(prefix="harness-stress-") as out:
        before = endurance.run(os.path.join(out, "before"), LONG // 8, 1)
        two = endurance.run(os.path.join(out, "two"), LONG, 2)
        after = endurance.run(os.path.join(out, "after"), LONG // 8, 1)
    assert two.summary is not None
    peaks = ", ".join(f"{name} {most >> 20}" for name, most in sorted(two.summary["peak_bytes"].items()))
    held = _told("flat memory", f"{LONG} schedules (MiB: {peaks})", endurance.grown(two.samples, LONG))
    times = endurance.scaled(two, [before, after])
    fault = "" if times >= SCALES_MIN else f"at least {SCALES_MIN} expected"
    return _told("two explorers", f"{times:.2f} times the rate of one ({two.rate:.0f}/s)", fault) and held


def resumed() -> bool:
    """Killed half-way and resumed, a run comes to the same as an undisturbed one."""
    names = ("schedules", "steps", "verdicts", "violations", "histories", "parts", "found_curve", "worth")
    with tempfile.TemporaryDirectory(prefix="harness-stress-") as out:
        whole = endurance.run(os.path.join(out, "whole"), LONG, 2).summary
        cut = endurance.run(os.path.join(out, "cut"), LONG, 2, kill_at=LONG // 2)
        again = endurance.run(os.path.join(out, "cut"), LONG, 2, resume=True).summary
    assert whole is not None and again is not None
    differing = [name for name in names if whole[name] != again[name]]
    fault = ", ".join(differing) if cut.summary is None else "it was over before it could be killed"
    at = cut.samples[-1].schedules
    return _told("resumed", f"killed after {at} of {LONG} schedules", fault)


def main() -> int:
    """Status for the shell: whether all claims held."""
    claims = (flaws, histories, witnesses, sound, accused, agreement, frequencies, minima, memory, resumed)
    known = {claim.__name__: claim for claim in claims}
    unknown = [claim for claim in CLAIMS if claim not in known]
    if unknown:
        print(f"STRESS_CLAIMS: unknown {', '.join(unknown)}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    return 0 if all([known[claim]() for claim in CLAIMS]) else 1


if __name__ == "__main__":
    sys.exit(main())
