"""The certificate in `results/`: every fence of its scenario, searched to the end (`make certificate`).

All rogue programs of up to two actions beside a co-tenant in another process; every schedule with
at most two preemptions of the sound fence, one of the others, which violate by then. Writes
`results/certificate.json`, one object a fence with the complete list of what violates, and
`results/certificate.md` to read. Exits 1 when a search did not come to its end or the sound
fence is accused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.scenario import load

ACTIONS = int(os.environ.get("CERTIFICATE_ACTIONS", "2"))
SCENARIO = "scenarios/certificate.yaml"
SOUND_FENCE = "ledger"
#: At most, in the schedules of the sound fence and of the others.
PREEMPTIONS_SOUND = int(os.environ.get("CERTIFICATE_PREEMPTIONS_SOUND", "2"))
PREEMPTIONS_FLAWED = int(os.environ.get("CERTIFICATE_PREEMPTIONS_FLAWED", "1"))
RESULTS = Path("results")
_KEPT = ("fence", "schedules", "steps", "verdicts", "exhausted", "inconclusive", "programs", "violating")
_SCHEDULES_MAX = 10**9

Found = dict[str, Any]


def search(fence: str) -> Found:
    """The object that `run --json` prints of a fence.

    Args:
        fence: its name.
    """
    preemptions = PREEMPTIONS_SOUND if fence == SOUND_FENCE else PREEMPTIONS_FLAWED
    words = [
        *("run", SCENARIO, "--fence", fence, "--strategy", "exhaustive", "--rogue-actions", str(ACTIONS)),
        *("--preemptions", str(preemptions), "--schedules", str(_SCHEDULES_MAX), "--no-shrink", "--json"),
    ]
    with tempfile.TemporaryDirectory(prefix="harness-certificate-") as out:
        command = [sys.executable, "-m", "harness", *words, "--out", f"{out}/run"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = json.loads(done.stdout)
    told = {"command": " ".join(["python -m harness", *words]), "preemptions": preemptions}
    return {**{key: found[key] for key in _KEPT}, **told}


def statement(found: Found) -> str:
    """Return the result of the search of one fence, in one sentence."""
    preemptions = "1 preemption" if found["preemptions"] == 1 else f"{found['preemptions']} preemptions"
    bound = f"{found['schedules']:,} schedules, {ACTIONS} rogue actions, {preemptions}"
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


def page(every: list[Found]) -> str:
    """All of it as Markdown; of the programs of two actions, how many."""
    lines = [
        "# Certificate",
        "",
        f"Every fence that `{SCENARIO}` names, searched to the end: a runner, a heartbeat in another",
        f"process and a rogue; all rogue programs of up to {ACTIONS} actions out of ten, every",
        "schedule with at most so many preemptions as are given.",
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
    every = []
    for fence in sys.argv[1:] or load(SCENARIO).expect:
        every.append(search(fence))
        print(f"{fence}: {statement(every[-1])}", flush=True)
    settings = {"scenario": SCENARIO, "rogue_actions": ACTIONS}
    text = json.dumps({**settings, "fences": every}, indent=1)
    (RESULTS / "certificate.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / "certificate.md").write_text(page(every), encoding="utf-8")
    sound = [one for one in every if one["fence"] == SOUND_FENCE]
    good = all(one["exhausted"] for one in every) and not any(one["violating"] for one in sound)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
