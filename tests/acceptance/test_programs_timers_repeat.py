"""Programs whose timers end them, or wake them, make the same history each time, and the right one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness
from tests.acceptance.programs import compiled, script, twice

pytestmark = pytest.mark.requires("kernel-gate", "pid-namespace", "clock of programs")

SCENARIO = """\
about: A program measures what its timers do, and writes only if it is right.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
  - {role: program, name: script, argv: %s, delay_steps: 0, pause_ms: [25, 40]}
schedules: 3
expect:
  ledger: []
"""
#: A command that is over in time, commands that are not, and one that is killed between any two of its steps.
SHELL = """\
begin() { name=$1 start=$EPOCHSECONDS; }
ended() {
    [ $1 = $2 ] && [ $((EPOCHSECONDS - start)) = $3 ] && return
    echo "$name: $1 after $((EPOCHSECONDS - start)) s" >&2
    exit 1
}
begin "in time"; timeout 5 sh -c 'sleep 1; exit 7'; ended $? 7 1
begin "late"; timeout 5 sleep 10; ended $? 124 5
begin "does not listen"; timeout -k 3 5 sh -c 'trap "" TERM; sleep 100'; ended $? 137 8
begin "has a handler"; timeout 5 sh -c 'trap "exit 9" TERM; sleep 100 & wait'; ended $? 124 5
begin "polls for a lock"; mkdir $1.d
timeout 9 sh -c 'until mkdir $0.d 2> /dev/null; do sleep 1; done' $1; ended $? 124 9; rmdir $1.d
begin "read"; read -t 3 word < <(sleep 100); ended $(($? > 128)) 1 3
(exec 9> $1.lock; flock 9; sleep 20) &
sleep 1
begin "lock"; flock -w 4 $1.lock true; ended $? 1 4
begin "lock that comes"; flock -w 40 $1.lock true; ended $? 0 15
timeout 0.2 sh -c 'while :; do echo more >> $0; done' $1.own; [ $? = 124 ] || exit 1
wc -l < $1.own >> $1
"""
PERL = """\
use Fcntl ':flock';
my ($start, @seen) = time;
$SIG{ALRM} = sub { die "alarm\\n" };
sub late {
    my ($name, $wait) = @_;
    eval { alarm 3; $wait->(); alarm 0; };
    push @seen, "$name " . (time - $start);
    $start = time;
}
late("sleep", sub { sleep 100 });
late("select", sub { select undef, undef, undef, 100 });
pipe my $reading, my $writing;
late("read", sub { <$reading> });
open my $one, '>', "$ARGV[0].own";
open my $two, '>', "$ARGV[0].own";
flock $one, LOCK_EX;
late("flock", sub { flock $two, LOCK_EX });
late("wait", sub { system "sleep 100" });
late("fast", sub { sleep 1 });
"@seen" eq "sleep 3 select 3 read 3 flock 3 wait 3 fast 1" or die "@seen";
open F, '>>', $ARGV[0];
print F "@seen $start\\n";
"""
PYTHON = """\
import asyncio, signal, sys, time
start, seen = time.monotonic(), []
def note(what): seen.append((what, round(time.monotonic() - start)))
async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGALRM, note, "alarm")
    signal.setitimer(signal.ITIMER_REAL, 2, 3)
    loop.call_later(4, note, "later")
    try: await asyncio.wait_for(asyncio.Event().wait(), 7)
    except asyncio.TimeoutError: note("late")
    signal.setitimer(signal.ITIMER_REAL, 0)
    child = await asyncio.create_subprocess_exec("timeout", "5", "sleep", "60")
    note(await child.wait())
asyncio.run(main())
assert seen == [("alarm", 2), ("later", 4), ("alarm", 5), ("late", 7), (124, 12)], seen
open(sys.argv[1], "a").write(f"{seen} {time.time()}\\n")
"""
NODE = """\
const { appendFileSync } = require("fs"), { execFile } = require("child_process");
const start = Date.now(), seen = [];
const note = (what) => seen.push([what, Math.round((Date.now() - start) / 1000)]);
let ticks = 0;
const every = setInterval(() => { note("tick"); if (++ticks === 3) clearInterval(every); }, 2000);
setTimeout(() => note("once"), 3600_000);
execFile("sleep", ["100"], { timeout: 5000 }, (error) => note(error.signal));
execFile("timeout", ["9", "sleep", "100"], (error) => note(error.code));
process.on("exit", () => {
  const wanted = '[["tick",2],["tick",4],["SIGTERM",5],["tick",6],[124,9],["once",3600]]';
  if (JSON.stringify(seen) !== wanted) throw new Error(JSON.stringify(seen));
  appendFileSync(process.argv[2], `${wanted}${Date.now()}\\n`);
});
"""
#: The C library makes a thread for each end of such a timer, and one that waits for the signal.
C = """\
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int ended;
static long when[3];
static void end(union sigval value) {
    pthread_mutex_lock(&mutex);
    if (value.sival_int == 5 && ended < 3) when[ended++] = time(0);
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&mutex);
}
int main(int count, char **words) {
    timer_t timer;
    struct sigevent event;
    struct itimerspec spec = {{60, 0}, {3600, 0}};
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = end;
    event.sigev_value.sival_int = 5;
    long start = time(0);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &spec, 0)) return 2;
    pthread_mutex_lock(&mutex);
    while (ended < 3) pthread_cond_wait(&more, &mutex);
    pthread_mutex_unlock(&mutex);
    if (timer_delete(timer)) return 3;
    for (int i = 0; i < 3; i++) if (when[i] - start != 3600 + 60 * i) return 4;
    FILE *file = fopen(words[1], "a");
    fprintf(file, "at %ld\\n", when[0]);
    return fclose(file);
}
"""


def test_scripts_with_timers_make_the_same_history_each_time(harness: Harness, tmp_path: Path) -> None:
    argvs = {
        "shell": script(tmp_path, "shell", SHELL, "bash"),
        "perl": script(tmp_path, "perl", PERL, "perl"),
        "asyncio": script(tmp_path, "asyncio", PYTHON, sys.executable),
    }
    twice(harness, tmp_path, SCENARIO, argvs)


@pytest.mark.requires("node")
def test_a_script_of_node_does_too(harness: Harness, tmp_path: Path) -> None:
    twice(harness, tmp_path, SCENARIO, {"node": script(tmp_path, "node", NODE, "node")})


@pytest.mark.requires("gcc")
def test_a_timer_that_starts_threads_does_too(harness: Harness, tmp_path: Path) -> None:
    twice(harness, tmp_path, SCENARIO, compiled(tmp_path, C, "-pthread"))
