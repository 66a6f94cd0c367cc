"""Programs that write the time, their process id or random numbers make the same history each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario

pytestmark = [pytest.mark.requires("kernel-gate"), pytest.mark.requires("pid-namespace")]

SCENARIO = """\
about: A program writes what differs from one run to the next elsewhere.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
  - role: program
    name: script
    argv: %s
    delay_steps: 0
    pause_ms: [25, 40]
schedules: 6
expect:
  none: {may: [missed_takeover]}
  ledger: []
"""

PYTHON = """\
import datetime, os, secrets, sys, threading, time, uuid
before = time.monotonic()
threading.Event().wait(0.3)
waited = time.monotonic() - before
assert 0.3 <= waited < 0.31, waited
seen = [time.time(), before, str(datetime.datetime.now()), os.getpid(), str(uuid.uuid4()), str(uuid.uuid1())]
seen += [secrets.token_hex(), hash("a"), id(seen), time.process_time(), os.urandom(4).hex()]
open(sys.argv[1], "a").write(repr(seen) + chr(10))
"""
NODE = """\
const { appendFileSync } = require("fs"), { randomUUID, randomBytes } = require("crypto");
const random = () => [Math.random(), randomUUID(), randomBytes(4).toString("hex")];
const seen = () => [Date.now(), performance.now(), process.pid, ...random()];
const first = seen();
setTimeout(() => appendFileSync(process.argv[2], JSON.stringify([first, seen()]) + "\\n"), 300);
"""
BASH = """\
echo "$EPOCHREALTIME $$ $RANDOM $SRANDOM $(date +%s.%N) $(cat /proc/sys/kernel/random/uuid) $BASHPID" >> $1
sleep 0.1 & echo $! >> $1; wait
head -c 8 /dev/urandom | od >> $1; mktemp -u -p / >> $1
"""
PERL = """\
use Time::HiRes;
open(F, '>>', shift);
select(undef, undef, undef, 0.2);
print F join(' ', time, $$, rand()), "\\n";
"""
C = """\
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int main(int count, char **words) {
    struct timeval coarse;
    struct timespec fine, called;
    gettimeofday(&coarse, 0);
    clock_gettime(CLOCK_MONOTONIC, &fine);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &called);
    FILE *file = fopen(words[1], "a");
    fprintf(file, "%ld %ld %ld %ld ", time(0), coarse.tv_sec, coarse.tv_usec, fine.tv_sec);
    fprintf(file, "%ld %ld %ld %d %p ", fine.tv_nsec, called.tv_sec, called.tv_nsec, getpid(), malloc(8));
    fprintf(file, "%lx\\n", *(unsigned long *)getauxval(AT_RANDOM));
    return 0;
}
"""


def run(harness: Harness, tmp_path: Path, argv: list[str], name: str, explorers: int) -> Ended:
    path = write_scenario(tmp_path, SCENARIO % json.dumps(argv), f"{name}.yaml")
    options = ("--fence", "ledger", "--allow-programs", "--json", "--no-shrink", "--force")
    return harness.run(path, *options, "--explorers", str(explorers))


def histories(harness: Harness, tmp_path: Path, argv: list[str]) -> list[str]:
    """What two runs made of a program, with one explorer and with two."""
    found = []
    for explorers in (1, 2):
        ended = run(harness, tmp_path, argv, "program", explorers)
        assert ended.status == 0, ended
        # A program that changed nothing would have made it 3.
        assert ended.object["inconclusive"] == 0
        found.append(ended.object["histories"])
    return found


@pytest.mark.parametrize(
    ("interpreter", "script"),
    [
        pytest.param("bash", BASH, id="bash"),
        pytest.param("perl", PERL, id="perl"),
        pytest.param(sys.executable, PYTHON, id="python"),
        pytest.param("node", NODE, id="node", marks=pytest.mark.requires("node")),
    ],
)
def test_a_script_makes_the_same_history_each_time(
    harness: Harness, tmp_path: Path, interpreter: str, script: str
) -> None:
    path = tmp_path / "script"
    path.write_text(script)
    first, second = histories(harness, tmp_path, [interpreter, str(path), "{transcript}"])
    assert first == second


def test_the_session_before_in_an_explorer_changes_nothing(harness: Harness, tmp_path: Path) -> None:
    """Both are in one PID namespace, and the second begins with the ids that a first one has."""
    path = tmp_path / "script"
    path.write_text(BASH)
    argv = ["bash", str(path), "{transcript}"]
    alone = run(harness, tmp_path, argv, "program", 1)
    before = write_scenario(tmp_path, SCENARIO % json.dumps(argv), "before.yaml")
    options = ("--fence", "ledger", "--allow-programs", "--json", "--no-shrink", "--explorers", "1")
    ended = harness.run(before, tmp_path / "program.yaml", *options)
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["scenario"] for one in told] == ["before", "program"]
    assert [one["histories"] for one in told] == [told[0]["histories"], alone.object["histories"]]


@pytest.mark.requires("gcc")
@pytest.mark.parametrize("linked", [[], ["-static"]], ids=["dynamic", "static"])
def test_a_compiled_program_does_too(harness: Harness, tmp_path: Path, linked: list[str]) -> None:
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(C)
    subprocess.run(["gcc", *linked, "-o", str(program), str(source)], check=True)
    first, second = histories(harness, tmp_path, [str(program), "{transcript}"])
    assert first == second


@pytest.mark.requires("gcc")
def test_what_still_differs_is_named_with_its_bytes_and_the_usual_causes(
    harness: Harness, tmp_path: Path
) -> None:
    """The processor's counter is read without a call, and nothing stands in its way."""
    source, program = tmp_path / "counter.c", tmp_path / "counter"
    source.write_text(
        "#include <stdio.h>\n#include <x86intrin.h>\n"
        'int main(int n, char **w) { fprintf(fopen(w[1], "a"), "at %llu\\n", __rdtsc()); }'
    )
    subprocess.run(["gcc", "-o", str(program), str(source)], check=True)
    ended = run(harness, tmp_path, [str(program), "{transcript}"], "counter", 1)
    assert ended.status == 3, ended
    said = ended.object["why_inconclusive"]
    assert "run twice, it differs" in said and "script wrote other bytes ('at " in said
    assert "does it read the time, a process id or random numbers" in said
    assert "Step(" not in said
