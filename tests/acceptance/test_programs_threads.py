"""Programs whose threads race make the same history each time: their threads move one at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario
from tests.acceptance.programs import script, twice
from tests.patience import at_some_patience, impatient

pytestmark = pytest.mark.requires(
    "kernel-gate", "pid-namespace", "clock of programs", "threads one at a time"
)

SCENARIO = """\
about: The threads of a program write in an order that nothing prescribes.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: [30, 60]}
  - {role: program, name: script, argv: %s, delay_steps: 0, pause_ms: [25, 40]}
schedules: 4
expect:
  none: {may: [missed_takeover]}
  ledger: []
"""

#: Which thread gets the lock next is a race without a call, some thousand times.
C = """\
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;
static unsigned long order;
static const char *path;
static void *work(void *number) {
    pthread_barrier_wait(&start);
    for (int round = 0; round < 2000; round++) {
        pthread_mutex_lock(&lock);
        order = order * 31 + (long)number;
        pthread_mutex_unlock(&lock);
        for (volatile int pause = 0; pause < 10000; pause++);
    }
    unsigned id;
    char line[80];
    getrandom(&id, sizeof id, 0);
    int file = open(path, O_WRONLY | O_APPEND);
    int length = sprintf(line, "{\\"thread\\":%ld,\\"order\\":%lu,\\"id\\":%u}\\n", (long)number, order, id);
    write(file, line, length);
    close(file);
    return 0;
}
int main(int count, char **words) {
    pthread_t threads[4];
    cpu_set_t all;
    path = words[1];
    pthread_barrier_init(&start, 0, 4);
    /* A program may ask for other processors: it keeps the one that it has. */
    for (int one = 0; one < 8; one++) CPU_SET(one, &all);
    sched_setaffinity(0, sizeof all, &all);
    for (long one = 0; one < 4; one++) pthread_create(&threads[one], 0, work, (void *)one);
    for (int one = 0; one < 4; one++) pthread_join(threads[one], 0);
    return 0;
}
"""
GO = """\
package main

import ("crypto/rand"; "fmt"; "os"; "sync"; "time")

func main() {
	var group sync.WaitGroup
	done := make(chan int)
	write := func(text string) {
		file, _ := os.OpenFile(os.Args[1], os.O_APPEND|os.O_WRONLY, 0)
		fmt.Fprintln(file, text)
		file.Close()
	}
	for one := 0; one < 4; one++ {
		group.Add(1)
		go func(one int) {
			defer group.Done()
			id := make([]byte, 8)
			rand.Read(id)
			now := time.Now().UnixNano()
			write(fmt.Sprintf(`{"i":%d,"t":%d,"pid":%d,"id":"%x"}`, one, now, os.Getpid(), id))
			done <- one
		}(one)
	}
	go func() { group.Wait(); close(done) }()
	order := ""
	for one := range done { order += fmt.Sprint(one) }
	write(`{"order":"` + order + `"}`)
}
"""
JAVA = """\
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
public class Program {
    public static void main(String[] words) throws Exception {
        Path path = Path.of(words[0]);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int n = i;
            all.add(pool.submit(() -> {
                String line = "{\\"i\\":" + n + ",\\"t\\":" + System.nanoTime();
                line += ",\\"id\\":\\"" + UUID.randomUUID() + "\\"}\\n";
                return Files.writeString(path, line, StandardOpenOption.APPEND);
            }));
        }
        for (Future<?> one : all) one.get();
        pool.shutdown();
    }
}
"""
RUST = """\
use std::{env, fs::OpenOptions, io::Write, process, sync::mpsc, thread, time::SystemTime};
fn write(text: String) {
    let path = env::args().nth(1).unwrap();
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}
fn main() {
    let (sender, receiver) = mpsc::channel();
    for i in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || {
            let now = SystemTime::now();
            write(format!("{{\\"i\\":{},\\"t\\":\\"{:?}\\",\\"pid\\":{}}}\\n", i, now, process::id()));
            sender.send(i).unwrap();
        });
    }
    drop(sender);
    let order: Vec<i32> = receiver.iter().collect();
    write(format!("{{\\"order\\":\\"{:?}\\"}}\\n", order));
}
"""
PYTHON = """\
import os, sys, threading, time, uuid
def work(number):
    with open(sys.argv[1], "a") as file:
        file.write('{"i":%d,"t":%f,"pid":%d,"id":"%s"}\\n' % (number, time.time(), os.getpid(), uuid.uuid4()))
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for one in threads: one.start()
for one in threads: one.join()
"""
#: A pool of four threads makes the calls of promises, and each worker is a thread with an engine of its own.
NODE = """\
const { appendFile } = require("fs/promises"), { appendFileSync } = require("fs");
const { Worker, isMainThread, workerData } = require("worker_threads");
const { randomUUID } = require("crypto");
const line = (i) => JSON.stringify({ i, t: Date.now(), pid: process.pid, id: randomUUID() }) + "\\n";
if (isMainThread) {
  for (let i = 0; i < 6; i++) appendFile(process.argv[2], line(i));
  for (let i = 6; i < 8; i++) new Worker(__filename, { workerData: { i, path: process.argv[2] } });
} else appendFileSync(workerData.path, line(workerData.i));
"""
#: One thread waits for another one, which needs a call meanwhile.
WAITS = """\
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
static volatile int ready;
static void *work(void *nothing) {
    close(open("/dev/null", O_RDONLY));
    ready = 1;
    return nothing;
}
int main(int count, char **words) {
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
    while (!ready) %s;
    int file = open(words[1], O_WRONLY | O_APPEND);
    write(file, "{}\\n", 3);
    return 0;
}
"""


def run(harness: Harness, folder: Path, argv: list[str], *options: str, limit_s: float = 0) -> Ended:
    path = write_scenario(folder, SCENARIO % json.dumps([*argv, "{transcript}"]), "threads.yaml")
    environment = impatient(limit_s) if limit_s else {}
    usual = ("--fence", "ledger", "--allow-programs", "--json", "--no-shrink", "--force")
    return harness.run(path, *usual, *options, environment=environment)


def by_compiler(name: str, source: str, *command: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / name).write_text(source)
        subprocess.run([*command, name], cwd=folder, check=True)
        return [str(folder / "program")]

    return make


def by_interpreter(name: str, source: str, *command: str) -> Callable[[Path], list[str]]:
    return lambda folder: script(folder, name, source, *command)


def in_java(folder: Path) -> list[str]:
    (folder / "Program.java").write_text(JAVA)
    subprocess.run(["javac", "Program.java"], cwd=folder, check=True)
    return ["java", "-cp", str(folder), "Program"]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            by_compiler("program.c", C, "gcc", "-w", "-pthread", "-o", "program"),
            id="c",
            marks=pytest.mark.requires("gcc"),
        ),
        pytest.param(
            by_compiler("program.go", GO, "env", "CGO_ENABLED=0", "GO111MODULE=off", "go", "build"),
            id="static go",
            marks=pytest.mark.requires("go"),
        ),
        pytest.param(
            by_compiler("program.rs", RUST, "rustc", "--edition", "2021"),
            id="rust",
            marks=pytest.mark.requires("rustc"),
        ),
        pytest.param(by_interpreter("program.py", PYTHON, sys.executable), id="python"),
        pytest.param(
            by_interpreter("program.js", NODE, "node"), id="node", marks=pytest.mark.requires("node")
        ),
        pytest.param(in_java, id="java", marks=[pytest.mark.requires("javac"), pytest.mark.long]),
    ],
)
def test_threads_that_race_make_the_same_history_each_time(
    harness: Harness, tmp_path: Path, make: Callable[[Path], list[str]]
) -> None:
    twice(harness, tmp_path, SCENARIO, {"program": make(tmp_path)})


@pytest.mark.requires("gcc")
def test_a_thread_that_yields_lets_the_others_go_on(harness: Harness, tmp_path: Path) -> None:
    argv = by_compiler("program.c", WAITS % "sched_yield()", "gcc", "-w", "-pthread", "-o", "program")(
        tmp_path
    )
    ended = run(harness, tmp_path, argv)
    assert ended.status == 0 and ended.object["inconclusive"] == 0, ended


@pytest.mark.requires("gcc")
def test_a_thread_that_waits_without_a_call_comes_to_its_end(harness: Harness, tmp_path: Path) -> None:
    argv = by_compiler("program.c", WAITS % "", "gcc", "-w", "-pthread", "-o", "program")(tmp_path)

    def attempt(limit_s: float) -> None:
        ended = run(harness, tmp_path, argv, "--schedules", "1", limit_s=limit_s)
        assert ended.status == 0 and ended.object["inconclusive"] == 0, ended

    at_some_patience(attempt)


def test_a_program_keeps_the_one_processor_that_it_has(harness: Harness, tmp_path: Path) -> None:
    text = """\
import os, sys
others = set(range(os.cpu_count()))
os.sched_setaffinity(0, others)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
assert len(os.sched_getaffinity(0)) == 1 and os.sched_getscheduler(0) == os.SCHED_OTHER
try: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except PermissionError: open(sys.argv[1], "a").write("{}" + chr(10))
"""
    ended = run(harness, tmp_path, script(tmp_path, "program.py", text, sys.executable))
    # A program that did not write has changed nothing, which is 3.
    assert ended.status == 0, ended
