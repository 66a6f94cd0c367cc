"""Provide scenarios, as a user would write them and as data, and a function that changes one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from harness.model.errors import ScenarioError
from harness.scenario import Scenario, load, load_data

__all__ = ["FULL", "SMALL", "changed", "faults_of", "on", "write"]

SMALL = """\
about: A timer writes under the lock while the model thinks.
source: issue 84071
policy: coordinated
lanes:
  - role: runner
  - role: heartbeat
    process: gateway
    times: [1, 3]
    rate: 2.5
expect:
  stat-2026.5.17: [false_positive]
"""

FULL = """\
about: Everything that a scenario can say.
source: made up
policy:
  name: mine
  about: Rewrites by others are not my business.
  base: coordinated
  rules: {participant_rewrite_other_process: either}
transcript: {entries: 3, entry_bytes: [10, 40]}
lanes:
  - role: runner
    name: main
    process: gateway
    turns: [1, 2]
    prompt: [user, custom]
    rounds: [1, 3]
    think_steps: [0, 4]
    writes: [assistant]
    lines: 2
    own_writes: [0, 2]
    own_entries: [toolResult]
    recover: true
  - {role: cron, count: 2, hold_ms: 70000, pause_ms: [0, 5], lines: 0}
  - {role: ingress, process: gateway, entries: [user, label], rate: 3}
  - {role: compactor, how: [rename], kind: [compaction, migration], keep: [0, 2], delay_steps: 3}
  - {role: editor, actions: [append-user, chmod], times: [1, 2]}
  - {role: editor, name: other, actions: all}
faults:
  - {lane: main, operations: [guarded_write], call: write, error: ENOSPC, cut: true, nth: [1, 2]}
  - {lane: cron, call: openat, error: EIO, file: beside}
filesystem: {time_grain_ms: 1000, birth_time: false, inode_reuse: never}
fence_options: {lock_timeout_ms: 500, strict: true, mode: fast}
fences: [none, "my_fence.py:MyFence"]
schedules: 50
steps_max: 300
step_ms: 2
expect:
  none: {must: [missed_takeover], may: [lost_entry, crash]}
  "my_fence.py:MyFence": []
"""


_LEAST: Final[dict[str, Any]] = {
    "name": "small",
    "about": "about",
    "source": "source",
    "policy": "coordinated",
    "lanes": [{"role": "runner"}],
    "expect": {},
}


def on(filesystem: object) -> Scenario:
    """Return a scenario of a runner alone on a file system, which is checked."""
    return load_data({**_LEAST, "filesystem": filesystem})


def changed(old: str, new: str, text: str = SMALL) -> str:
    """Return the text with `old` replaced, which must occur once."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def write(folder: Path, text: str | bytes, name: str = "a.yaml") -> Path:
    """Write a scenario file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults_of(folder: Path, text: str | bytes) -> list[str]:
    """Return the faults of a file, without its name."""
    path = write(folder, text)
    try:
        load(path)
    except ScenarioError as error:
        found = str(error).split("\n")
        assert all(line.startswith(f"{path}:") for line in found), found
        return [line.removeprefix(f"{path}:") for line in found]
    return []
