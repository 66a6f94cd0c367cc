"""The certificate in `results/`: every fence of its scenario, searched to the end (`make certificate`).

All rogue programs of up to two actions beside a co-tenant in another process, every schedule with
at most one preemption. Writes `results/certificate.json`, one object a fence with the complete
list of what violates, and `results/certificate.md` to read. Exits 1 when a search did not come
to its end or the sound fence is accused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ACTIONS = int(os.environ.get("CERTIFICATE_ACTIONS", "2"))
PREEMPTIONS = int(os.environ.get("CERTIFICATE_PREEMPTIONS", "1"))
SCENARIO = "scenarios/certificate.yaml"
SOUND_FENCE = "ledger"
RESULTS = Path("results")
_KEPT = ("fence", "schedules", "steps", "verdicts", "exhausted", "inconclusive", "programs", "violating")
_SCHEDULES_MAX = 10**9

Found = dict[str, Any]


def _command() -> list[str]:
    return [
        *("run", SCENARIO, "--strategy", "exhaustive", "--rogue-actions", str(ACTIONS)),
        *("--preemptions", str(PREEMPTIONS), "--schedules", str(_SCHEDULES_MAX), "--no-shrink", "--json"),
    ]


def search(fences: list[str]) -> list[Found]:
    """What `run` says of each fence.

    Args:
        fences: references; empty for those of the scenario.
    """
    chosen = [word for fence in fences for word in ("--fence", fence)]
    with tempfile.TemporaryDirectory(prefix="harness-certificate-") as out:
        command = [sys.executable, "-m", "harness", *_command(), *chosen, "--out", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [{key: one[key] for key in _KEPT} for one in found]


def statement(found: Found) -> str:
    """What the search of one fence comes to, in one sentence."""
    bound = f"{found['schedules']:,} schedules, {ACTIONS} rogue actions, {_preemptions()}"
    if not found["exhausted"]:
        return f"not exhausted: {bound}"
    violating = found["violating"]
    if not violating:
        return f"exhausted: {bound}: none violates"
    kinds: dict[str, int] = {}
    for counts in violating.values():
        for kind, count in counts.items():
            kinds[kind] = kinds.get(kind, 0) + count
    shown = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(kinds.items()))
    return f"exhausted: {bound}: {len(violating)} of {found['programs']} rogue programs violate ({shown})"


def _preemptions() -> str:
    return "1 preemption" if PREEMPTIONS == 1 else f"{PREEMPTIONS} preemptions"


def page(every: list[Found]) -> str:
    """All of it as Markdown; of the programs of two actions, how many."""
    lines = [
        "# Certificate",
        "",
        f"Every fence that `{SCENARIO}` names, searched to the end: a runner, a heartbeat in another",
        f"process and a rogue; all rogue programs of up to {ACTIONS} actions out of ten, every",
        f"schedule with at most {_preemptions()}.",
        "Policy `coordinated`. Made by `make certificate`; complete lists are in `certificate.json`.",
        "",
        "| fence | what the search comes to |",
        "|---|---|",
        *(f"| {one['fence']} | {statement(one)} |" for one in every),
    ]
    for one in every:
        if one["violating"]:
            lines += ["", f"## {one['fence']}", "", *_programs(one["violating"])]
    return "\n".join(lines) + "\n"


def _programs(violating: dict[str, dict[str, int]]) -> list[str]:
    short = {name: counts for name, counts in violating.items() if ", " not in name}
    lines = ["| rogue program | schedules that violate |", "|---|---|"]
    for name, counts in short.items():
        shown = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(counts.items()))
        lines.append(f"| {name or 'none'} | {shown} |")
    return [*lines, "", f"And {len(violating) - len(short)} programs of two actions."]


def main() -> int:
    """Search, write, say what came of it."""
    every = search(sys.argv[1:])
    for one in every:
        print(f"{one['fence']}: {statement(one)}", flush=True)
    made_by = " ".join(["python -m harness", *_command()])
    settings = {
        "scenario": SCENARIO,
        "rogue_actions": ACTIONS,
        "preemptions": PREEMPTIONS,
        "command": made_by,
    }
    text = json.dumps({**settings, "fences": every}, indent=1)
    (RESULTS / "certificate.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / "certificate.md").write_text(page(every), encoding="utf-8")
    sound = [one for one in every if one["fence"] == SOUND_FENCE]
    good = all(one["exhausted"] for one in every) and not any(one["violating"] for one in sound)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
