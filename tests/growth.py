"""How a schedule's cost grows: ``python -m tests.growth`` writes `results/growth.json` and prints its table.

One thing at a time is made larger: lanes, processes, steps, the transcript, explorers. Each point is
measured in a process of its own. Times are of the processor, summed over the explorer and its workers, so
that other load on the machine counts little. Memory is the sum of their peaks, in which shared pages count
several times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fence.transcript import append_lines
from harness.explore.explorer import ticking
from harness.gates.kernel import virtual_files
from harness.model import transcript_lines
from harness.model.program import Program
from harness.scenario import load
from harness.scenario.definition import LANES_MAX
from harness.system.peak_memory import family_peak_bytes, peak_bytes
from harness.tools.bench.scenario_cost import Sampler, together

__all__: list[str] = []

RESULT = Path("results/growth.json")
FENCE = "ledger"
SEED = 20261130
#: Sizes that grow, and their values.
AXES: dict[str, tuple[int, ...]] = {
    "lanes": tuple(count for count in (2, 4, 8, 16, 32) if count <= LANES_MAX),
    "processes": tuple(count for count in (1, 2, 4, 8, 16) if count <= LANES_MAX),
    "steps": (1, 3, 10, 30, 45),
    "transcript": tuple(1 << bits for bits in range(10, 27, 2)),
    "explorers": (1, 2),
}
#: A cost that grows by this factor more than what is made larger is worse than linear. On a loaded machine
#: the processor's time of the same work differs by a third.
LINEAR = 1.5
_SINGULAR = {"lanes": "lane", "processes": "process", "explorers": "explorer"}
_SCHEDULES = 40
#: At most so many bytes of transcripts are laid for one point.
_LAID_BYTES = 256 << 20


def main() -> int:
    """Measure every point, write them, print the table."""
    parser = argparse.ArgumentParser(prog="growth", description=__doc__)
    parser.add_argument("--axis", choices=[*AXES], action="append", help="this one alone (may be repeated)")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point is not None:
        print(json.dumps(_point(arguments.point[0], int(arguments.point[1]))))
        return 0
    found = {axis: [_apart(axis, value) for value in AXES[axis]] for axis in arguments.axis or AXES}
    arguments.out.write_text(json.dumps({"fence": FENCE, "seed": SEED, "axes": found}, indent=1) + "\n")
    print("\n".join(_table(found)))
    return 0


def _apart(axis: str, value: int) -> dict[str, Any]:
    if axis == "explorers":
        return _explorers(value)
    command = [sys.executable, "-m", "tests.growth", "--point", axis, str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _explorers(count: int) -> dict[str, Any]:
    """Run the quickstart by the command line with so many explorers."""
    with tempfile.TemporaryDirectory(prefix="growth-") as out:
        command = [sys.executable, "-m", "harness", "run", "scenarios/quickstart.yaml", "--fence", FENCE]
        command += ["--explorers", str(count), "--schedules", str(1000 * count), "--seed", str(SEED)]
        command += ["--json", "--out", f"{out}/run"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (row,) = (json.loads(line) for line in done.stdout.splitlines())
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The peaks are those of any one explorer.
    held = {name: peak * (1 if name == "harness" else count) for name, peak in row["peak_bytes"].items()}
    return _found(count, row["schedules"], row["steps"], spent_s, sum(held.values()))


def _point(axis: str, value: int) -> dict[str, Any]:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    count = max(4, min(_SCHEDULES, _LAID_BYTES // value)) if axis == "transcript" else _SCHEDULES
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        path = Path(folder, "growth.yaml")
        path.write_text(_scenario(axis, value))
        if axis == "transcript":
            virtual_files.lay_transcript = _filled(virtual_files.lay_transcript, value)
        with ticking(), Sampler(load(str(path)), FENCE, SEED, folder) as sampler:
            sampler.run_schedule(0)
            taken = together([sampler.run_schedule(index) for index in range(1, count + 1)])
            held = peak_bytes() + family_peak_bytes()
    if taken.inconclusive:
        raise SystemExit(f"growth: {axis} {value}: the truth of {taken.inconclusive} schedules is not known")
    return _found(value, count, taken.steps, taken.spent.cpu_ns / 1e9, held)


def _found(value: int, schedules: int, steps: int, spent_s: float, held: int) -> dict[str, Any]:
    return {
        "value": value,
        "schedules": schedules,
        "steps": round(steps / schedules, 1),
        "schedule_ms": round(spent_s / schedules * 1e3, 3),
        "step_us": round(spent_s / steps * 1e6, 1),
        "peak_bytes": held,
    }


def _scenario(axis: str, value: int) -> str:
    """Return a scenario of one runner and some heartbeats."""
    lanes, processes, times = 2, 2, 1
    if axis == "lanes":
        lanes = value
    elif axis == "processes":
        lanes, processes = LANES_MAX, value
    elif axis == "steps":
        lanes, times = 4, value
    text = f"about: growth\nsource: our own\npolicy: coordinated\nexpect: {{{FENCE}: []}}\n"
    text += "steps_max: 100000\nlanes:\n  - {role: runner, process: p0, think_steps: [2, 6]}\n"
    for number in range(1, lanes):
        settings = f"name: h{number}, process: p{number % processes}, times: {times}, delay_steps: [0, 4]"
        text += f"  - {{role: heartbeat, {settings}}}\n"
    return text


def _filled(
    real: Callable[[str, Program], tuple[str, ...]], size: int
) -> Callable[[str, Program], tuple[str, ...]]:
    """Return a function that lays a transcript and fills it with lines up to a size.

    A scenario's own lines are sent to the workers, and are limited for that.
    """
    line = transcript_lines.make("user", "growth-line", 400).line.encode() + b"\n"

    def lay(directory: str, program: Program) -> tuple[str, ...]:
        names = real(directory, program)
        path = os.path.join(directory, names[0])
        append_lines(path, [line * max(0, (size - os.stat(path).st_size) // len(line))])
        return names

    return lay


def _table(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = [
        "| | steps | ms a schedule | schedules/s | us a step | memory, MiB | grows |",
        f"|{'---|' * 7}",
    ]
    for axis, rows in found.items():
        for number, row in enumerate(rows):
            grows = "" if number == 0 else _growth(axis, rows[number - 1], row)
            lines.append(
                f"| {_value(axis, row)} | {row['steps']:.0f} | {row['schedule_ms']:.2f} "
                f"| {1e3 / row['schedule_ms']:.0f} | {row['step_us']:.0f} "
                f"| {row['peak_bytes'] / (1 << 20):.0f} | {grows} |"
            )
    return lines


def _growth(axis: str, before: dict[str, Any], row: dict[str, Any]) -> str:
    """Return by which factors time and memory grew, and mark what grew more than what was made larger."""
    key = "steps" if axis == "steps" else "value"
    larger = row[key] / before[key]
    factors = {name: row[name] / before[name] for name in ("schedule_ms", "peak_bytes")}
    if axis == "explorers":
        # More of them run more schedules; the cost of one schedule should stay.
        larger_memory = f"memory {factors['peak_bytes']:.1f} for {larger:.1f}"
        return f"time {factors['schedule_ms']:.2f} a schedule, {larger_memory}"
    worse = [name for name, factor in factors.items() if factor > larger * LINEAR]
    marked = "worse than linear: " if worse else ""
    return f"{marked}time {factors['schedule_ms']:.1f}, memory {factors['peak_bytes']:.1f} for {larger:.1f}"


def _value(axis: str, row: dict[str, Any]) -> str:
    if axis == "steps":
        return f"{row['steps']:.0f} steps"
    if axis != "transcript":
        return f"{row['value']} {axis if row['value'] > 1 else _SINGULAR[axis]}"
    value = row["value"]
    return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value >> 10} KiB"


if __name__ == "__main__":
    sys.exit(main())
