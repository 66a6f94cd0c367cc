"""Runs programs that write the time, their process id and a random id twice, and compares the histories.

    python -m tests.repeated_programs                        # 1,000 schedules of each, twice
    python -m tests.repeated_programs --schedules 50 --only date,go

Prints a row for each program and writes results/repeated-programs.md. Exit status 1 if a program made two
histories, or if a schedule was inconclusive. A program that this machine cannot make or run is named and
left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["LANES", "SCRIPTS", "SOURCES", "commands", "main", "scenario"]

ROOT = Path(__file__).resolve().parents[1]
#: A program that writes while the model thinks; `%s` is its command line, with the transcript.
LANES = """\
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
  - role: program
    name: script
    argv: %s
    delay_steps: 0
    pause_ms: [25, 40]
"""
_SCENARIO = f"""\
about: A program writes the time, its process id and a random id while the model thinks.
source: programs that write what differs in each run
{LANES}\
expect:
  none: {{may: [missed_takeover]}}
"""
#: Interpreter and script; the transcript is the last argument.
SCRIPTS = {
    "date": ["sh", "-c", 'echo "$(date +%s.%N) $$ $(cat /proc/sys/kernel/random/uuid)" >> "$0"'],
    "python": [
        "python3",
        "-c",
        "import os, sys, time, uuid;"
        " print(time.time(), os.getpid(), uuid.uuid4(), file=open(sys.argv[1], 'a'))",
    ],
    "node": [
        "node",
        "-e",
        "require('fs').appendFileSync(process.argv[1],"
        " `${Date.now()} ${performance.now()} ${process.pid} ${crypto.randomUUID()} ${Math.random()}\\n`)",
    ],
    "bash": ["bash", "-c", 'echo "$EPOCHREALTIME $$ $RANDOM $SRANDOM" >> "$0"'],
    "perl": [
        "perl",
        "-MTime::HiRes=time",
        "-e",
        'open(F, ">>", shift); print F join(" ", time, $$, rand()), "\\n"',
    ],
}
_GO = """\
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"
)

func main() {
	id := make([]byte, 8)
	rand.Read(id)
	file, _ := os.OpenFile(os.Args[1], os.O_APPEND|os.O_WRONLY, 0o600)
	fmt.Fprintf(file, "%d %d %x\\n", time.Now().UnixNano(), os.Getpid(), id)
}
"""
_RUST = """\
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let line = format!("{} {} {:x}\\n", now, std::process::id(), RandomState::new().hash_one(0));
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(line.as_bytes()).unwrap();
}
"""
_C = """\
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    struct timespec now;
    unsigned long id = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    getrandom(&id, sizeof id, 0);
    FILE *file = fopen(words[1], "a");
    fprintf(file, "%ld.%09ld %d %lx\\n", now.tv_sec, now.tv_nsec, getpid(), id);
    return fclose(file);
}
"""
#: Static programs: source, its file, and the command that makes one.
SOURCES = {
    "go": (_GO, "program.go", "go build -o {out} {source}"),
    "rust": (_RUST, "program.rs", "rustc -O -C target-feature=+crt-static -o {out} {source}"),
    "c": (_C, "program.c", "gcc -O2 -static -o {out} {source}"),
}
_HEAD = """\
# Programs that write the time, their process id and a random id

Made by `python -m tests.repeated_programs`; do not edit. Each program runs beside a runner that thinks, under
the fence `none`, with the seed 1, in two runs: one with one explorer, one with two. *Two histories* says
whether the runs differ in any schedule. In each run every 64th schedule is run twice as well.

| program | command | schedules | two histories | inconclusive |
|---|---|---|---|---|"""


def commands(folder: Path, only: set[str]) -> Iterator[tuple[str, list[str], str]]:
    """Yield name, command line and, where it cannot be run here, the reason.

    Args:
        folder: for the compiled programs.
        only: names of those that are wanted; empty for all.
    """
    wanted = only or {*SCRIPTS, *SOURCES}
    for name, argv in SCRIPTS.items():
        if name not in wanted:
            continue
        yield name, argv, "" if shutil.which(argv[0]) else f"no {argv[0]}"
    for name, (text, file, make) in SOURCES.items():
        if name not in wanted:
            continue
        source, out = folder / file, folder / name
        compiler = make.split()[0]
        if shutil.which(compiler) is None:
            yield name, [], f"no {compiler}"
            continue
        source.write_text(text)
        words = [word.format(out=out, source=source) for word in make.split()]
        environment = os.environ | {"CGO_ENABLED": "0"}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        yield name, [str(out)], done.stderr.strip().splitlines()[-1] if done.returncode else ""


def scenario(argv: list[str]) -> str:
    """Return the text of a scenario whose program is `argv` and the transcript."""
    return _SCENARIO % json.dumps([*argv, "{transcript}"])


def _ran(path: Path, schedules: int, explorers: int) -> dict[str, Any]:
    """Return what a run says of a scenario."""
    words = ["run", str(path), "--fence", "none", "--allow-programs", "--json", "--no-shrink", "--seed", "1"]
    with tempfile.TemporaryDirectory() as out:
        more = ["--schedules", str(schedules), "--explorers", str(explorers), "--out", f"{out}/run"]
        command = [sys.executable, "-m", "harness", *words, *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"{path}: status {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return found


def main() -> int:
    """Run each program twice; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--only", default="", help="names with commas; all without")
    asked = parser.parse_args()
    only = set(asked.only.split(",")) if asked.only else set()
    rows, sound = [], True
    with tempfile.TemporaryDirectory() as made:
        for name, argv, lacks in commands(Path(made), only):
            said = f"static, by {SOURCES[name][2].split()[0]}" if name in SOURCES else argv[0]
            if lacks:
                rows.append(f"| {name} | {said} | | | not on this machine: {lacks} |")
                print(rows[-1], flush=True)
                continue
            path = Path(made) / f"{name}.yaml"
            path.write_text(scenario(argv))
            first, second = (_ran(path, asked.schedules, explorers) for explorers in (1, 2))
            differ = first["histories"] != second["histories"]
            doubts = first["inconclusive"] + second["inconclusive"]
            complete = first["schedules"] == second["schedules"] == asked.schedules
            sound &= not differ and not doubts and complete
            figures = (
                f"{first['schedules']} and {second['schedules']} | {'yes' if differ else 'no'} | {doubts}"
            )
            rows.append(f"| {name} | {said} | {figures} |")
            print(rows[-1], first["why_inconclusive"] or second["why_inconclusive"], flush=True)
            if not only:
                (ROOT / "results" / "repeated-programs.md").write_text("\n".join([_HEAD, *rows]) + "\n")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
