"""Imports are the cost of a command's start; no clock is asked, for machines differ."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_HELP = """
import contextlib
from harness.cli import main
with contextlib.suppress(SystemExit):
    main(['{}--help'])
"""
_TELL = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"

#: Packages that take long, and the parts of ours that stand on them.
HEAVY = ("rich", "hypothesis", "pydantic", "yaml", "psutil", "multiprocess", "dill")
LATE = (
    "harness.explore.explorer",
    "harness.gates.kernel.gate",
    "harness.explore.cluster",
    "distributed",
    "harness.shrink.replay",
    "harness.shrink",
    "harness.explore.exhaust",
)


def imported(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code + _TELL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["", "run', '"])
def test_help_imports_nothing_that_a_command_needs(command: str) -> None:
    modules = imported(_HELP.format(command))
    unwanted = {
        *HEAVY,
        *LATE,
        "msgspec",
        "multiprocessing",
        "subprocess",
        "harness.explore.coordinator",
        "fence",
    }
    assert not modules & unwanted
    assert not [name for name in modules if name.startswith(("harness.scenario", "harness.report"))]


def test_the_console_script_imports_no_more_than_the_module() -> None:
    script = """
import contextlib, sys
sys.argv = ["/usr/bin/takeover-harness", "--help"]
from takeover_harness.__main__ import main
with contextlib.suppress(SystemExit):
    main()
"""
    more = imported(script) - imported(_HELP.format(""))
    assert {name for name in more if not name.startswith("takeover_harness")} <= {
        *("harness.__main__", "harness.system.interrupts"),
    }


#: Modules for a search after its explorer starts, or only where something is wrong, found, or the user's.
SEARCHING = (
    "harness.cli.run_search",
    "harness.explore.search_task",
    "harness.scenario.definition",
    "harness.strategies",
    "harness.report.story",
)
RARE = (
    *("pydantic", "email", "difflib", "tomllib", "urllib.parse", "psutil", "multiprocess", "dill"),
    *("harness.scenario.validator", "harness.oracle.judging", "harness.oracle.index"),
    *("harness.report.story", "harness.report.html.violation", "harness.system.user_module"),
    *("fence.external.proxy", "harness.gates.free.gate", "harness.gates.kernel.gate"),
)
#: Modules that an explorer needs for the free gate, an external fence, a debugger, a code trace, or a doubt.
RARE_IN_EXPLORERS = (
    *("psutil", "pydantic", "yaml", "email", "harness.gates.free", "harness.lanes.line_tracer"),
    *("harness.gates.kernel.debug_gate", "harness.gates.kernel.observed_gate", "harness.report"),
    *("fence.external.proxy", "harness.oracle.decisions", "harness.system.user_module", "harness.cli"),
)


def test_run_imports_no_search_before_its_explorer_starts() -> None:
    modules = imported("import harness.cli.run_command")
    assert "harness.explore.coordinator" in modules
    assert not modules & {*HEAVY, *LATE, *SEARCHING, "harness.scenario.loader", "harness.report.html.page"}


def test_a_run_without_a_finding_imports_nothing_rare(tmp_path: Path) -> None:
    run = ["run", "scenarios/quickstart.yaml", "--fence=ledger", "--schedules=1", "--json", "--session-root"]
    arguments = [*run, str(tmp_path), "--out", str(tmp_path / "out")]
    modules = imported(f"from harness.cli import main\nassert main({arguments!r}) == 0")
    assert {"harness.cli.run_search", "harness.report.html.page"} <= modules
    assert not modules & {*RARE}


def test_an_explorer_imports_nothing_rare() -> None:
    modules = imported("import harness.explore.explorer, harness.lanes.worker as one\none.prepare()")
    assert {"harness.gates.kernel.gate", "harness.oracle.judging"} <= modules
    assert not modules & {*RARE_IN_EXPLORERS}


def test_the_harness_never_needs_modules_for_explorers_alone() -> None:
    modules = imported("import harness.cli.run_command, harness.scenario\nharness.scenario.load_all")
    assert not modules & {"psutil", "multiprocess", "dill", *LATE}
