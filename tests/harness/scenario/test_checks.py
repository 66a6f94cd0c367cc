# ruff: noqa: E501  # a fault is on one line, as its reader sees it
from __future__ import annotations

import re
from pathlib import Path

import pytest

import fence.locks
import fence.targets.locks
from fence.locks import KINDS
from harness.scenario.checks import lock_options
from tests.harness.scenario.examples import SMALL, changed, faults_of

PROGRAM = "  - {{role: program, argv: ['true'], {}}}\nexpect:"
EDITOR = "  - role: editor\n    actions: [append-user, {}]\nexpect:"
FAULT = "faults: [{{{}}}]\nexpect:"
RULES = "policy: {name: x, about: y, rules: {unlocked: either}}"


@pytest.mark.parametrize(
    "old, new, fault",
    [
        (
            "policy: coordinated",
            "policy: coordinate",
            "3:9: policy: unknown policy 'coordinate'; did you mean 'coordinated'? `python -m harness list policies` lists the known ones",
        ),
        (
            "policy: coordinated",
            "policy: {name: x, about: y, base: unlisted}",
            "3:35: policy.base: unknown policy 'unlisted'; `python -m harness list policies` lists the known ones",
        ),
        (
            "policy: coordinated",
            RULES,
            "3:36: policy.rules: no rule for own_append, cotenant_append_same_process, ",
        ),
        ("policy: coordinated", "policy: {name: x, about: y}", "3:9: policy: no rule for own_append, "),
        (
            "expect:",
            EDITOR.format("chmdo"),
            "11:28: lanes[2].actions[1]: unknown action 'chmdo'; did you mean 'chmod'? `python -m harness list actions` lists the known ones",
        ),
        (
            "expect:",
            PROGRAM.format("operations: {begin: 'B (x)', end: 'E (x)'}"),
            "10:37: lanes[2].operations: this lane is a rogue, which acknowledges no line; add participant: true, or remove the key",
        ),
        (
            "expect:",
            PROGRAM.format("participant: true, operations: {begin: B, end: 'E (x)'}"),
            "10:76: lanes[2].operations.begin: must be a regular expression with one group",
        ),
        (
            "expect:",
            PROGRAM.format("participant: true, operations: {begin: 'B (', end: 'E (x)'}"),
            "10:76: lanes[2].operations.begin: must be a regular expression with one group",
        ),
        (
            "expect:",
            PROGRAM.format("participant: true, operations: {begin: 'B (x)'}"),
            "10:68: lanes[2].operations.end: missing, it is required; say here: Regular expression of the line",
        ),
        (
            "expect:",
            PROGRAM.format("participant: true, tty: true, operations: {begin: 'B (x)', end: 'E (x)'}"),
            "10:67: lanes[2].operations: markers are read from the standard output, ",
        ),
        (
            "expect:",
            PROGRAM.format(
                "participant: true, acknowledges: [x], operations: {begin: 'B (x)', end: 'E (x)'}"
            ),
            "10:75: lanes[2].operations: acknowledges is for a program without markers",
        ),
        (
            "expect:",
            PROGRAM.format("participant: true, operations: {begin: 'B (x)', end: 'E (x)', start: 1}"),
            "10:99: lanes[2].operations.start: unknown key",
        ),
        (
            "expect:",
            PROGRAM.format("keys: [x]"),
            "10:37: lanes[2].keys: the program has no terminal; add tty: true, or remove the key",
        ),
        (
            "expect:",
            PROGRAM.format("term: linux"),
            "10:37: lanes[2].term: the program has no terminal; add tty: true, or remove the key",
        ),
        (
            "expect:",
            PROGRAM.format("tty: true, keys: [x, <Entr>]"),
            "10:58: lanes[2].keys[1]: '<Entr>' is no key; known are <Enter> <Tab> ",
        ),
        (
            "expect:",
            PROGRAM.format('tty: true, keys: [""]'),
            "10:55: lanes[2].keys[0]: no key; write one, or remove the item",
        ),
        (
            "expect:",
            PROGRAM.format("tty: true, keys: [1]"),
            "10:55: lanes[2].keys[0]: must be text (got 1)",
        ),
        (
            "expect:",
            PROGRAM.format("tty: true, term: vt52"),
            "10:54: lanes[2].term: unknown value 'vt52'",
        ),
        (
            "expect:",
            "fence_options: {lock_pol_ms: 5}\nexpect:",
            "10:17: fence_options.lock_pol_ms: unknown option of a lock; did you mean 'lock_poll_ms'?",
        ),
        (
            "expect:",
            "  - role: heartbeat\nexpect:",
            "10:5: lanes[2]: a second lane has the name 'heartbeat', the first begins in line 6; rename it",
        ),
        (
            "expect:",
            "  - {role: cron, name: runner}\nexpect:",
            "10:24: lanes[2].name: a second lane has the name 'runner', the first begins in line 5; ",
        ),
        (
            "expect:",
            "  - {role: cron, name: b-2}\n  - {role: cron, name: b, count: 3}\nexpect:",
            "11:24: lanes[3].name: a second lane has the name 'b-2', ",
        ),
        (
            "expect:",
            "  - {role: cron, count: 8}\n  - {role: ingress, count: 8}\nexpect:",
            "5:3: lanes: 18 lanes with their counts, at most 16 are possible; remove some",
        ),
        (
            "- role: runner",
            "- {role: runner, turns: [1, 50], rounds: 2}",
            "5:5: lanes[0]: may have up to 500 operations, at most 400 fit; reduce its settings",
        ),
        (
            "expect:",
            FAULT.format("lane: heartbaet, call: write, error: EIO"),
            "10:17: faults[0].lane: no lane has the name or role 'heartbaet'; did you mean 'heartbeat'?",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: write, times: 2"),
            "10:10: faults[0]: no fault is given; give one of error, cut, kill, stop_ms, slow_ms, ahead_ms",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, stop_ms: null"),
            "10:10: faults[0]: no fault is given; give one of error, cut, kill, stop_ms, slow_ms, ahead_ms",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, kill: true, stop_ms: 50"),
            "10:46: faults[0].stop_ms: cannot be combined with kill; make two faults of it",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, error: EIO"),
            "10:32: faults[0].error: needs a call; give its name as call",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: close, error: EIO"),
            "10:31: faults[0].call: a close that fails has taken effect all the same; remove error",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: rename, error: EINTR"),
            "10:46: faults[0].error: no signal interrupts a rename, only open, openat, ",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: flock, error: EXDEV"),
            "10:45: faults[0].error: no flock fails with EXDEV; choose one of those that it can give: EAGAIN, EINTR, ",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: write, error: EIO, file: lock"),
            "10:56: faults[0].file: a call that fails concerns the transcript or a file beside it (got lock); ",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: write, error: EXDEV"),
            "10:45: faults[0].error: no write fails with EXDEV; choose one of those that it can give: EAGAIN, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: unlink, error: EPERM, file: lock"),
            "10:59: faults[0].file: a call that fails concerns the transcript or a file beside it (got lock); name one, or choose a call that only takes locks: flock, fcntl, link, ",
        ),
        (
            "expect:",
            FAULT.format("lane: runner, call: rename, error: EIO, cut: true"),
            "10:56: faults[0].cut: a rename cannot be cut short, only write and pwrite64 can; remove cut",
        ),
        (
            "expect:",
            "filesystem: {inode_forget_ms: 5}\nexpect:",
            "10:31: filesystem.inode_forget_ms: a file that is forgotten tells the same while inode_stable and",
        ),
        (
            "expect:",
            "  - {role: cron, process: a}\n  - {role: ingress, process: a, pid_namespace: b}\nexpect:",
            "11:48: lanes[3].pid_namespace: process 'a' has another PID namespace in line 10; give all its ",
        ),
        (
            "expect:",
            "  - {role: cron, transcript: transcript}\nexpect:",
            "10:30: lanes[2].transcript: 'transcript' is the watched transcript; choose another name, or leave",
        ),
        (
            "expect:",
            "  - {role: editor, actions: all, transcript: other}\nexpect:",
            "10:46: lanes[2].transcript: a lane of the role editor works on the watched transcript; remove",
        ),
        (
            "role: runner",
            "role: runner\n    transcript: other",
            "5:3: lanes: each runner works on another transcript, and nothing is decided on the watched one",
        ),
        (
            "expect:",
            "left_lock: {process: gatewai}\nexpect:",
            "10:22: left_lock.process: no lane runs in the process 'gatewai'; did you mean 'gateway'?",
        ),
        (
            "expect:",
            "  - {role: cron, release: false}\nexpect:",
            "10:27: lanes[2].release: every other lane would wait for ever; give fence_options.lock_timeout_ms",
        ),
        ("times: [1, 3]", "lines: 50\n    count: 5\ntranscript: {entry_bytes: 10000}", None),
    ],
)
def test_a_contradiction_is_reported_at_its_place(
    tmp_path: Path, old: str, new: str, fault: str | None
) -> None:
    if fault is None:
        text = SMALL.replace(old + "\n    rate: 2.5\n", new + "\n")
        fault = "5:3: lanes: all lanes together may need up to "
    else:
        text = changed(old, new)
    found = faults_of(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(fault)


def test_options_of_the_fence_itself_are_not_checked(tmp_path: Path) -> None:
    assert faults_of(tmp_path, changed("expect:", "fence_options: {anything: goes}\nexpect:")) == []


def test_a_lane_may_keep_the_lock_where_others_have_a_time_out(tmp_path: Path) -> None:
    kept = "  - {role: cron, release: false}\nfence_options: {lock_timeout_ms: 100}\nexpect:"
    assert faults_of(tmp_path, changed("expect:", kept)) == []


def test_a_misspelt_runner_is_reported_once(tmp_path: Path) -> None:
    assert [line[:4] for line in faults_of(tmp_path, changed("role: runner", "role: runer"))] == ["5:11"]


def test_several_runners_are_allowed(tmp_path: Path) -> None:
    assert faults_of(tmp_path, changed("- role: runner", "- {role: runner, count: 2}")) == []


def test_a_lane_may_reach_the_limit(tmp_path: Path) -> None:
    # 50 turns of 8 operations each.
    assert faults_of(tmp_path, changed("- role: runner", "- {role: runner, turns: 50}")) == []


def test_the_options_of_locks_are_those_that_the_locks_read() -> None:
    folders = [Path(module.__file__).parent for module in (fence.locks, fence.targets.locks)]
    sources = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    # The other one is what an adapter answers.
    assert set(re.findall(r'"(lock_[a-z_]+)"', sources)) == {*lock_options(KINDS.values()), "lock_timeout"}


@pytest.mark.parametrize("lane", ["runner", "heartbeat", "job", "job-2", "cron"])
def test_a_fault_may_name_a_lane_or_a_role(tmp_path: Path, lane: str) -> None:
    fault = FAULT.format(f"lane: {lane}, call: write, cut: true")
    text = changed("expect:", f"  - {{role: cron, name: job, count: 2}}\n{fault}")
    assert faults_of(tmp_path, text) == []


@pytest.mark.parametrize(
    "fault",
    [
        "kill: true",
        "operations: [think], kill: true, nth: [1, 9]",
        "call: write, cut: true, kill: true, file: lock",
        "call: close, stop_ms: [10, 20], file: any",
        "call: flock, error: EINTR",
        "slow_ms: 20, operations: [append]",
        "ahead_ms: 86400000",
    ],
)
def test_every_kind_of_fault_is_accepted(tmp_path: Path, fault: str) -> None:
    assert faults_of(tmp_path, changed("expect:", FAULT.format(f"lane: runner, {fault}"))) == []


def test_many_faults_count_for_the_size_of_the_whole(tmp_path: Path) -> None:
    text = SMALL.replace("times: [1, 3]", "times: 1\n    lines: 47\n    count: 2")
    text = text.replace("expect:", "transcript: {entries: 3, entry_bytes: 10000}\nexpect:")
    assert faults_of(tmp_path, text) == []
    text += "faults:\n" + 16 * "  - {lane: runner, call: write, error: EIO, times: 50}\n"
    (fault,) = faults_of(tmp_path, text)
    assert "all lanes together may need up to" in fault
