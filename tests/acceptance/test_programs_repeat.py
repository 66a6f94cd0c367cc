"""Programs that write the time, their process id or random numbers make the same history each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness
from tests.acceptance.programs import compiled, found, script, twice
from tests.repeated_programs import LANES

pytestmark = pytest.mark.requires("kernel-gate", "pid-namespace", "clock of programs")

SCENARIO = f"""\
about: A program writes what differs from one run to the next elsewhere.
source: acceptance test
{LANES}\
schedules: 4
expect:
  none: {{may: [missed_takeover]}}
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


def test_scripts_make_the_same_history_each_time(harness: Harness, tmp_path: Path) -> None:
    argvs = {
        "perl": script(tmp_path, "perl", PERL, "perl"),
        "bash": script(tmp_path, "bash", BASH, "bash"),
        "python": script(tmp_path, "python", PYTHON, sys.executable),
    }
    histories = twice(harness, tmp_path, SCENARIO, argvs)
    # All are in one PID namespace, and the second one begins with the ids that the first one has.
    alone = found(harness, tmp_path, {"bash": SCENARIO % json.dumps([*argvs["bash"], "{transcript}"])})
    assert alone["bash"]["histories"] == histories["bash"]


USAGE = """\
import os, resource, sys, time
before = time.monotonic()
for number in range(200_000):
    hash(number)
seen = [os.times(), resource.getrusage(0), resource.getrusage(-1), os.sched_getaffinity(0)]
for path in ("self/stat", "self/status", "self/statm", "meminfo", "stat", "thread-self/status"):
    seen.append(open("/proc/" + path).read())
open(sys.argv[1], "a").write(repr(seen) + chr(10))
"""


def test_processor_time_and_memory_are_the_same_each_time(harness: Harness, tmp_path: Path) -> None:
    timed = "time { sleep 0.1; }; times; ps -eo pid,rss,time,comm; free; uptime; taskset -p $$"
    argvs = {
        "python": script(tmp_path, "usage", USAGE, sys.executable),
        "bash": script(tmp_path, "timed", f"exec >> $1 2>&1; {timed}", "bash"),
    }
    twice(harness, tmp_path, SCENARIO, argvs)


@pytest.mark.requires("node")
def test_a_script_of_node_does_too(harness: Harness, tmp_path: Path) -> None:
    twice(harness, tmp_path, SCENARIO, {"node": script(tmp_path, "node", NODE, "node")})


@pytest.mark.requires("gcc")
def test_a_compiled_program_does_too(harness: Harness, tmp_path: Path) -> None:
    twice(harness, tmp_path, SCENARIO, compiled(tmp_path, C))


@pytest.mark.requires("gcc")
def test_a_difference_is_named_with_its_bytes_and_usual_causes(harness: Harness, tmp_path: Path) -> None:
    """The processor's counter is read without a call, and nothing stands in its way."""
    source, program = tmp_path / "counter.c", tmp_path / "counter"
    source.write_text(
        "#include <stdio.h>\n#include <x86intrin.h>\n"
        'int main(int n, char **w) { fprintf(fopen(w[1], "a"), "at %llu\\n", __rdtsc()); }'
    )
    subprocess.run(["gcc", "-o", str(program), str(source)], check=True)
    text = SCENARIO % json.dumps([str(program), "{transcript}"])
    said = found(harness, tmp_path, {"counter": text})["counter"]["why_inconclusive"]
    assert "run twice, it differs" in said and "script wrote other bytes ('at " in said
    assert "does it read the time, a process id, random numbers, memory or free room" in said
    assert "Step(" not in said
